"""May this Kubernetes object be admitted? Each model in it is a question to the gate check."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from governance.admission import Claim, Question
from governance.errors import Invalid
from governance.models import GateAsk
from governance.services.gate_checks import ask_gate, unreachable
from ledger.actors import Actor
from lifecycle.models import ModelVersion


@dataclass(frozen=True)
class Admission:
    """The answer. `reason` is one sentence; `digests` are the models that were asked about."""

    allowed: bool
    reason: str
    digests: tuple[str, ...] = ()


def admit(*, question: Question, actor: Actor | None) -> Admission:
    """Judge one object. Nothing is changed but the record of what was asked, which a dry run leaves as well.

    Objects of Gatebook's own namespace are always admitted, so that the gate can never lock itself out.
    """
    if question.namespace == settings.GATEBOOK_NAMESPACE:
        return Admission(True, _("Gatebook's own namespace is never judged."))
    if not question.judged:
        return Admission(True, _("Only what is created or updated is judged."))
    try:
        digests = models_of(question)
    except DatabaseError:
        return Admission(False, unreachable("", "", {}).reason)
    except Invalid as no:
        return Admission(False, str(no))
    environment = settings.GATEBOOK_NAMESPACES.get(question.namespace, question.namespace)
    for digest in digests:
        decision = ask_gate(
            point=GateAsk.Point.ADMISSION, model_digest=digest, environment=environment or "-",
            scope=question.scope, actor=actor,
            detail={
                "uid": question.uid, "kind": question.kind, "name": question.name,
                "dry_run": question.dry_run,
            },
        )  # fmt: skip
        if not decision.allow:
            return Admission(False, decision.reason, tuple(digests))
    return Admission(True, _("Every model in it is authorized for %s.") % environment, tuple(digests))


def models_of(question: Question) -> list[str]:
    """The models that the object would run. Raises `Invalid` where a name says not which bytes it means."""
    models = [each for each in question.claims if not each.image]
    images = [each for each in question.claims if each.image]
    if models:
        found = [_digest(each, question.annotated) for each in models]
    else:
        found = [_image(each, question.annotated) for each in images]
        found = [each for each in found if each]
    wanted = list(dict.fromkeys([*question.annotated, *found]))
    if not wanted:
        text = _("The object names no model: neither a storage URI, nor an annotation, nor an image digest.")
        raise Invalid("no_model", text, "spec")
    return wanted


def _digest(claim: Claim, annotated: tuple[str, ...]) -> str:
    if claim.digest:
        return claim.digest
    uri = claim.text.replace("\x00", "")  # of which no database knows anything
    at = {uri, uri.rstrip("/"), f"{uri.rstrip('/')}/"} - {"", "/"}
    pinned = set(ModelVersion.objects.filter(source_uri__in=at).values_list("digest", flat=True))
    meant = pinned & set(annotated) if len(pinned) > 1 else pinned
    if len(meant) != 1:
        words = {"where": claim.where, "uri": claim.text[:200]}
        text = _("No one digest is pinned for %(uri)s in %(where)s, so nobody knows which model it is.")
        raise Invalid("not_pinned", text % words, claim.where)
    return meant.pop()


def _image(claim: Claim, annotated: tuple[str, ...]) -> str:
    if not claim.digest:
        text = _(
            "The image %(image)s in %(where)s is not named by its digest, so it may be another tomorrow."
        )
        raise Invalid(
            "image_not_pinned", text % {"image": claim.text[:200], "where": claim.where}, claim.where
        )
    return "" if annotated else claim.digest
