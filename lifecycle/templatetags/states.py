"""One table: which shape and colour each state of each record has.

A look is a pair (class, glyph). Shape comes first, so that a state can be told without colour.
A word that means different things on different records has an entry with the record's name before it.
"""

from typing import NamedTuple

from django.db import models
from django.utils.translation import gettext_lazy as _


class Look(NamedTuple):
    """How a state is drawn: the class that sets its colours and the glyph of the sprite."""

    css: str
    glyph: str


OK = Look("is-ok", "ok")
BAD = Look("is-bad", "bad")
WARN = Look("is-warn", "warn")
WAIVED = Look("is-waived", "waived")
NOW = Look("is-now", "now")
IDLE = Look("is-idle", "idle")
WAIT = Look("is-idle", "wait")
STALE = Look("is-idle", "stale")
NA = Look("is-idle", "na")
LOCKED = Look("is-idle", "lock")

LOOKS: dict[Look, str] = {
    OK: (
        "accepted acted active agreed allow allowed applied approve approved completed decided "
        "delivered deployed done finished fired frozen fulfilled granted included intact live mended met ok "
        "holds pass passed published resolved satisfied settled sent signed succeeded valid verified within"
    ),
    BAD: (
        "bad breaks broken critical declined denied deny dead error failed fail high not_met over overdue "
        "refused reject rejected revoked suspended aborted unacceptable violated"
    ),
    WARN: (
        "blocked conditional held drifted due escalated inconclusive lapsed late lost missing near on_hold "
        "reopened returned review_due shifted unsure unverified warn warning"
    ),
    WAIVED: "passed_with_conditions waived waiver",
    NOW: (
        "reported assessed attached claimed defining_requirements evaluating evidence_attached in_mitigation "
        "in_progress in_review leased mitigating now offered open qa_selected reassessed requested "
        "risks_accepted risks_identified rolling running sending signing started submitted your_turn"
    ),
    IDLE: "created draft instantiated identified idle inherited not_open not_started planned selected",
    WAIT: "waits asked awaiting deferred paused pending queued ready scheduled wait waiting",
    STALE: "expired outdated revision_due stale superseded unreadable withdrawn",
    NA: (
        "acknowledge acknowledged cancelled closed disabled dismissed dropped ended ignored merged na "
        "not_applicable removed replaced retired rolled_back skipped stopped suppressed unknown"
    ),
    LOCKED: "locked may_not_sign",
}

ON_RECORD: dict[str, Look] = {
    "modelsignature.verified": OK,
    "modelsignature.failed": BAD,
    "modelsignature.unknown_key": WARN,
    "modelsignature.unreadable": WARN,
    "source.same": OK,
    "source.changed": WARN,
    "source.gone": BAD,
    "source.restored": OK,
    "finding.open": WARN,
    "finding.closed": OK,
    "finding.waived": WAIVED,
    "risk.identified": WARN,
    "risk.assessed": NOW,
    "risk.closed": OK,
    "risk.reopened": WARN,
    "task.not_applicable": NA,
    "condition.proposed": WAIT,
    "condition.open": WARN,
    "condition.missed": BAD,
    "finding.in_work": NOW,
    "finding.resolved": WAIT,
    "sighting.authorized": OK,
    "sighting.unauthorized": BAD,
    "sighting.gone": NA,
    "reproduction.same": OK,
    "reproduction.differs": BAD,
    "monitoringplan.paused": WAIT,
    "testset.used_up": STALE,
    "firing.started": OK,
    "firing.rejected": NA,
    "waiver.active": WAIVED,
    "waiver.granted": WAIVED,
    "authorization.withdrawn": BAD,
    "trigger.suspended": NA,
    "schedule.suspended": NA,
}

WORDS: dict[str, object] = {
    "allow": _("Allowed"),
    "deny": _("Denied"),
    "approve": _("Approved"),
    "reject": _("Rejected"),
    "acknowledge": _("Acknowledged"),
    "pass": _("Met"),
    "fail": _("Not met"),
    "error": _("Unreadable"),
    "na": _("Not applicable"),
}

_BY_WORD: dict[str, Look] = {word: look for look, words in LOOKS.items() for word in words.split()}


def look_of(value: str, machine: str = "") -> Look:
    """The look of a state; the bare ring for a word that the table does not know."""
    word = str(value).lower().replace("-", "_").replace(" ", "_")
    return ON_RECORD.get(f"{machine}.{word}") or _BY_WORD.get(word, IDLE)


def state_of(subject: object) -> tuple[str, str, str]:
    """(machine, value, word for people) of a record with a state, of a choice, or of a bare string."""
    if isinstance(subject, models.Model):
        field = next((name for name in ("state", "status", "verdict") if hasattr(subject, name)), "")
        value = str(getattr(subject, field, "") or "")
        display = getattr(subject, f"get_{field}_display", None)
        machine = subject._meta.model_name or ""
        return machine, value, str(display()) if display else word_for(value)
    label = getattr(subject, "label", None)
    value = str(getattr(subject, "value", subject))
    return "", value, str(label) if label else word_for(value)


def word_for(value: str) -> str:
    """A state's identifier as people read it: "in_progress" is "In progress"."""
    known = WORDS.get(value.lower())
    return str(known) if known else value.replace("_", " ").capitalize()
