"""Judging the records of a project: each by the expressions of a check. What cannot be read breaks it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.utils.translation import gettext as _

from governance.compliance.documents import Judgement
from governance.compliance.statuses import Status, of_records
from lifecycle.definitions.expressions import evaluate

MOST_KEPT = 200
"""Of the records behind a check so many are kept by name; the counts are of all."""


@dataclass(frozen=True)
class Judged:
    """One record and what it says for a check: holds, waits, waived or breaks."""

    kind: str
    pk: int
    label: str
    says: str
    why: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a check says, with the records that it says it from, those first that hold it up."""

    status: Status
    held: int = 0
    total: int = 0
    records: tuple[Judged, ...] = ()
    reason: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over everything that is said, to see whether it has changed."""
        said: list[Any] = [
            self.status.value, self.held, self.total, self.reason,
            [[each.kind, each.pk, each.label, each.says, each.why] for each in self.records],
        ]  # fmt: skip
        return hashlib.sha256(rfc8785.dumps(said)).hexdigest()


Record = Mapping[str, Any]
_ORDER = {"breaks": 0, "waits": 1, "waived": 2, "holds": 3}


def judge(judgement: Judgement, records: Mapping[str, Sequence[Record]], about: Mapping[str, Any]) -> Outcome:
    """What one check says of the records of a project.

    `records` holds them by kind; each has `ref`, its kind, key and label. `about` holds the variables
    `project` and `classification`. Never raises: an expression that goes wrong breaks the check and says why.
    """
    found = [
        judged
        for record in records.get(judgement.about, ())
        if not judgement.key or record.get("key") == judgement.key
        if (judged := _judged(judgement, record, about)) is not None
    ]
    counts = {says: sum(each.says == says for each in found) for says in _ORDER}
    held = counts["holds"] + counts["waived"]
    status = of_records(
        held=held, waiting=counts["waits"], waived=counts["waived"], broken=counts["breaks"],
        empty=Status(judgement.empty.value),
    )  # fmt: skip
    found.sort(key=lambda each: (_ORDER[each.says], each.kind, each.pk))
    reason = _reason(status, held, len(found))
    if not found and status == Status.MET:
        # What shows that nothing has happened is the list in which it would stand.
        kept: tuple[Judged, ...] = (Judged(f"no-{judgement.about}"[:40], _pk(about), reason, "holds"),)
    else:
        kept = tuple(found[:MOST_KEPT])
    return Outcome(status, held, len(found), kept, reason)


def _pk(about: Mapping[str, Any]) -> int:
    return int(about.get("project", {}).get("id", 0))


def _judged(judgement: Judgement, record: Record, about: Mapping[str, Any]) -> Judged | None:
    kind, pk, label = record["ref"]
    facts = {"it": {name: value for name, value in record.items() if name != "ref"}, **about}
    try:
        if not _yes(judgement.counts, facts):
            return None
        says = "breaks"
        if _yes(judgement.holds, facts):
            says = "holds"
        elif _yes(judgement.waived, facts):
            says = "waived"
        elif _yes(judgement.waits, facts):
            says = "waits"
        return Judged(kind, pk, label, says)
    # A check that raises must neither pass nor stop the others, whatever it raises.
    except Exception as error:  # noqa: BLE001
        words = _("The check could not be carried out: %(error)s") % {"error": error}
        return Judged(kind, pk, label, "breaks", words[:600])


def _yes(expression: str, facts: Mapping[str, Any]) -> bool:
    if expression in ("true", "false"):
        return expression == "true"
    value = evaluate(expression, facts)
    if not isinstance(value, bool):
        raise TypeError(_("it says neither yes nor no"))
    return value


def _reason(status: Status, held: int, total: int) -> str:
    if not total:
        if status == Status.MET:
            return _("Nothing of the kind has happened.")
        return _("There is no record yet.")
    return _("%(held)d of %(total)d hold.") % {"held": held, "total": total}
