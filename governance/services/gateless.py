"""Phases that no gate ends for a project of this risk class."""

from __future__ import annotations

from django.utils.translation import gettext as _

from ledger.actors import SystemActor
from lifecycle.models import Phase
from lifecycle.services.phases import decide_phase


def pass_gateless(phase_id: int) -> bool:
    """Pass a phase in review whose gate does not hold for the project; False if one does, or none is named.

    Inside the transaction that sent it to review. 1 query where a gate holds for it.
    """
    related = ("iteration__project", "iteration__process_version")
    phase = Phase.objects.select_related(*related).get(pk=phase_id)
    document = phase.iteration.process_version.document
    key = next((part.get("gate") for part in document["phases"] if part["key"] == phase.key), None)
    gate = next((part for part in document.get("gates", []) if part["key"] == key), None)
    classes = gate.get("risk_classes") if gate else None
    project = phase.iteration.project
    if not classes or project.risk_class in classes:
        return False
    words = {"key": key, "class": project.get_risk_class_display().lower()}
    reason = _("Gate %(key)s does not hold for this project: %(class)s.") % words
    decide_phase(phase=phase, outcome="pass", actor=SystemActor("no gate"), reason=reason)
    return True
