"""What is not as the rules want it, as documents: findings, conditions of passes, waivers."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.actions import GovernanceAction
from governance.models import Condition, Finding, Waiver
from ledger.models import Entry
from reports.documents import Finding as FindingDocument
from reports.documents import Mark, State
from reports.documents import Waiver as WaiverDocument
from reports.queries.moment import Moment, mark, name_of


def findings_of(project_id: int, moment: Moment) -> tuple[FindingDocument, ...]:
    """What had to be put right, oldest first, then the conditions that gates were passed on. 2 queries."""
    opened = Finding.objects.filter(project=project_id, opened_at__lte=moment.at)
    found = [
        FindingDocument(
            code=f"F-{each.pk}",
            text=each.title,
            owner=name_of(each.owner),
            opened_on=each.opened_at.date(),
            due_on=each.due_on,
            closed_on=settled.date() if (settled := moment.seen(each.settled_at)) else None,
            mark=mark(State.OK, _("verified")) if settled else mark(State.WARN, _("open")),
        )
        for each in opened.select_related("owner").order_by("opened_at", "pk")
    ]
    bound = Condition.objects.filter(
        gate__iteration__project=project_id, gate__decided_at__lte=moment.at
    ).exclude(state__in=(Condition.State.PROPOSED, Condition.State.DROPPED))
    conditions = bound.select_related("owner", "gate").order_by("gate__decided_at", "pk")
    return (*found, *(_condition(each, moment) for each in conditions))


def waivers_of(project_id: int, moment: Moment) -> tuple[WaiverDocument, ...]:
    """The criteria that were excused by then, oldest first. 2 queries."""
    granted = Waiver.objects.filter(gate__iteration__project=project_id, decided_at__lte=moment.at)
    waivers = list(
        granted.exclude(signer_name="").select_related("gate", "decided_by").order_by("decided_at", "pk")
    )
    ended = Entry.objects.filter(
        action=str(GovernanceAction.WAIVER_REVOKED), recorded_at__lte=moment.at,
        subject_id__in=[str(each.pk) for each in waivers],
    )  # fmt: skip
    revoked = set(ended.values_list("subject_id", flat=True))
    return tuple(
        WaiverDocument(
            code=f"W-{each.pk}",
            criterion=each.words,
            reason=f"{each.justification} {each.measure}",
            granted_by=each.signer_name,
            valid_until=each.expires_on,
            mark=_waiver_mark(each, moment, revoked=str(each.pk) in revoked),
        )
        for each in waivers
    )


def _condition(each: Condition, moment: Moment) -> FindingDocument:
    ended = moment.seen(each.ended_at)
    done = ended is not None and each.state == Condition.State.FULFILLED
    missed = ended is not None and each.state == Condition.State.MISSED
    decided = each.gate.decided_at or each.proposed_at
    words = mark(State.OK, _("fulfilled")) if done else mark(State.WARN, _("open"))
    return FindingDocument(
        code=f"C-{each.pk}",
        text=_("Condition of %(gate)s: %(text)s") % {"gate": each.gate.key, "text": each.text},
        owner=name_of(each.owner),
        opened_on=decided.date(),
        due_on=each.due_on,
        closed_on=ended.date() if ended is not None and (done or missed) else None,
        mark=mark(State.BAD, _("missed")) if missed else words,
    )


def _waiver_mark(each: Waiver, moment: Moment, *, revoked: bool) -> Mark:
    if revoked:
        return mark(State.BAD, _("revoked"))
    if moment.at.date() > each.expires_on:
        return mark(State.WARN, _("expired"))
    return mark(State.WAIVED, _("in force"))
