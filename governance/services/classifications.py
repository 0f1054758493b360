"""Classifying a project: answers to fixed questions, what follows from them, and a signature under both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.compliance.questions import checked, classify
from governance.models import Classification, Framework
from governance.rules.gates import may_manage
from governance.services.frameworks import start_use
from ledger.services import append
from lifecycle.models import Project, User
from lifecycle.services.identity import prove


def sign_classification(
    *, project: Project, answers: Mapping[str, object], actor: User, password: str, code: str = ""
) -> Classification:
    """Answer what the project is under the law, and sign it. A manager's to do.

    The project gets the risk class that follows, which tells gates whether they hold for it, and is measured
    by the frameworks that follow, in their current versions; none is taken away. Raises `Invalid` naming the
    question, `PermissionDenied`, `Refused` for a wrong password.
    """
    _refuse_others(actor, project)
    given = checked(answers)
    result = classify(given).as_dict()
    proof = prove(actor=actor, password=password, code=code, on_wrong=partial(_record_wrong, project))
    with transaction.atomic():
        project = Project.objects.select_for_update().get(pk=project.pk)
        _refuse_others(proof.person, project)
        content: dict[str, Any] = {"answers": given, "result": result, "purpose": project.purpose}
        classification = Classification.objects.create(
            project=project, number=project.classifications.count() + 1, answers=given, result=result,
            purpose=project.purpose, signed_by=proof.person, signer_name=str(proof.person),
            second_factor=proof.factor, digest=hashlib.sha256(rfc8785.dumps(content)).hexdigest(),
            signed_at=now(),
        )  # fmt: skip
        before = project.risk_class
        project.risk_class = str(result["risk_class"])
        project.save(update_fields=["risk_class"])
        begun = _begin(project, classification, proof.person)
        append(
            actor=proof.person, action=Action.PROJECT_CLASSIFIED, subject=classification,
            project=project.slug,
            detail={
                "digest": classification.digest, "result": result, "risk_class_before": before,
                "frameworks_begun": begun, "factor": proof.factor,
            },
        )  # fmt: skip
    return classification


def _begin(project: Project, classification: Classification, actor: User) -> list[str]:
    """Measure the project by what follows from its classification, where it is not yet."""
    have = set(project.framework_uses.filter(ended_at__isnull=True).values_list("framework__key", flat=True))
    wanted = set(classification.result["frameworks"]) - have
    words = _("It follows from %(classification)s.") % {"classification": classification}
    found = list(Framework.objects.filter(key__in=wanted, current=True).order_by("key"))
    return [start_use(project, each, actor, words).framework.key for each in found]


def _refuse_others(actor: User, project: Project) -> None:
    if not may_manage(actor, project):
        raise PermissionDenied(_("Only a manager classifies the project."))


@transaction.atomic
def _record_wrong(project: Project, person: User, why: str, attempt: int) -> None:
    append(
        actor=person, action=Action.ASSURANCE_REFUSED, subject=project, project=project.slug,
        detail={"reason": why, "attempt": attempt},
    )  # fmt: skip
