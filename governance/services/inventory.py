"""The inventory of AI systems, and the reviews that come round."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid
from governance.models import InventoryEntry, Review
from governance.rules.gates import may_judge, may_manage
from ledger.services import append
from lifecycle.models import Project, User

LONGEST_DAYS = 1096
MOST_USES = 50


@transaction.atomic
def set_inventory(
    *, project: Project, actor: User, owner: User, deputy: User | None, overseer: User | None,
    approved_uses: Iterable[str], review_every_days: int, placed_on_market_on: dt.date | None = None,
) -> InventoryEntry:  # fmt: skip
    """Say who answers for a system, who watches over it, and what it may be used for. A manager's to do.

    Raises `Invalid` for a closed person, the owner as their own deputy, no use, an interval outside
    1 to 1,096 days.
    """
    project = Project.objects.select_for_update().get(pk=project.pk)
    if not may_manage(actor, project):
        raise PermissionDenied(_("Only a manager changes the entry of the inventory."))
    uses = [each.strip()[:300] for each in approved_uses if each.strip()]
    if not 0 < len(uses) <= MOST_USES:
        raise Invalid("uses_unfit", _("Name 1 to %(most)d uses.") % {"most": MOST_USES}, "approved_uses")
    if not 1 <= review_every_days <= LONGEST_DAYS:
        raise Invalid("interval_unfit", _("Between 1 and 1,096 days."), "review_every_days")
    if deputy is not None and deputy.pk == owner.pk:
        raise Invalid("deputy_same", _("The deputy is another person."), "deputy")
    for field, person in (("owner", owner), ("deputy", deputy), ("overseer", overseer)):
        if person is not None and not person.is_active:
            raise Invalid("person_closed", _("This account is closed."), field)
    last = project.reviews.filter(kind=Review.Kind.SYSTEM).order_by("-done_at").first()
    since = (last.done_at if last is not None else now()).astimezone(dt.UTC).date()
    values = {
        "owner": owner, "deputy": deputy, "overseer": overseer, "approved_uses": uses,
        "review_every_days": review_every_days, "placed_on_market_on": placed_on_market_on,
        "next_review_on": since + dt.timedelta(days=review_every_days), "changed_by": actor,
        "changed_at": now(),
    }  # fmt: skip
    entry, _made = InventoryEntry.objects.update_or_create(project=project, defaults=values)
    detail = {
        "owner": owner.pk, "deputy": deputy.pk if deputy else None,
        "overseer": overseer.pk if overseer else None, "approved_uses": uses,
        "review_every_days": review_every_days, "next_review_on": entry.next_review_on.isoformat(),
        "placed_on_market_on": placed_on_market_on.isoformat() if placed_on_market_on else None,
    }  # fmt: skip
    append(actor=actor, action=Action.INVENTORY_CHANGED, subject=entry, project=project.slug, detail=detail)
    return entry


@transaction.atomic
def record_review(*, project: Project, actor: User, kind: str, result: str, every_days: int = 365) -> Review:
    """Say that one looked at the system, its risks or its rights again, and what came out.

    Reviewers and managers may. Raises `Invalid` for an unknown kind, no words, an unfit interval.
    """
    project = Project.objects.select_for_update().get(pk=project.pk)
    if not may_judge(actor, project):
        raise PermissionDenied(_("Only reviewers and managers review a project."))
    if kind not in Review.Kind.values:
        known = ", ".join(Review.Kind.values)
        raise Invalid("kind_unknown", _("The kinds are: %(known)s.") % {"known": known}, "kind")
    if not result.strip():
        raise Invalid("result_missing", _("Say what you looked at, and what came out."), "result")
    if not 1 <= every_days <= LONGEST_DAYS:
        raise Invalid("interval_unfit", _("Between 1 and 1,096 days."), "every_days")
    moment = now()
    following = moment.astimezone(dt.UTC).date() + dt.timedelta(days=every_days)
    review = Review.objects.create(
        project=project, kind=kind, result=result.strip(), done_by=actor, done_at=moment, next_on=following
    )
    if kind == Review.Kind.SYSTEM:
        InventoryEntry.objects.filter(project=project).update(next_review_on=following)
    detail = {"kind": kind, "result": review.result, "next_on": following.isoformat()}
    append(actor=actor, action=Action.REVIEW_DONE, subject=review, project=project.slug, detail=detail)
    return review
