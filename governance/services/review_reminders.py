"""What of compliance comes round: reviews, assurances that end, incidents the authority must hear of.

Parts of the day's sweep, with the promise of all notices: each person hears of each occasion once, whatever
breaks down or starts again in between. Nothing changes by being told, so there is no entry in the ledger.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from governance.models import Assurance, FrameworkUse, Incident, InventoryEntry, Review
from lifecycle.models import Membership, Notice, Project
from lifecycle.services.notices import Occasion, tell_all
from lifecycle.services.sweeps import sweep_part

SOON = dt.timedelta(days=14)
INCIDENT_SOON = dt.timedelta(days=3)
"""So long before its day something is told for the first time."""

_K, _R = Notice.Kind, Membership.Role


@dataclass(frozen=True)
class _Coming:
    """Something with a day: who hears of it, and in which words."""

    kind: str
    key: str
    name: str
    url: str
    project_id: int
    day: dt.date
    people: Iterable[int]
    text: str

    def occasion(self, today: dt.date) -> Occasion:
        """What there is to say on this day: that it comes, that it is there, or that it is late."""
        words = {"name": self.name, "day": f"{self.day:%d %b %Y}", "days": (today - self.day).days}
        if self.day > today:
            stage, subject = "soon", _("%(name)s is due on %(day)s")
        elif words["days"] <= settings.GATEBOOK_ESCALATE_DAYS:
            stage, subject = "due", _("%(name)s is due") if self.day == today else _("%(name)s is overdue")
        else:
            stage, subject = "late", _("%(name)s is %(days)d days late")
        key = f"{self.key}:{stage}:{self.day}"
        return Occasion(
            sorted(set(self.people)), self.kind, subject % words, self.url, key, self.text, self.project_id
        )


def _people_of(projects: Iterable[int], *roles: str) -> Mapping[int, list[int]]:
    """Ids of the people with these roles in each project now. 1 query."""
    found = Membership.objects.filter(
        project__in=set(projects), role__in=roles, left_at__isnull=True, user__is_active=True
    )
    by_project: dict[int, list[int]] = defaultdict(list)
    for project, user in found.order_by("project_id", "user_id").values_list("project_id", "user_id"):
        by_project[project].append(user)
    return by_project


def _tell(coming: Iterable[_Coming], now: dt.datetime) -> None:
    today = now.astimezone(dt.UTC).date()
    tell_all([each.occasion(today) for each in coming])


def _until(now: dt.datetime) -> dt.date:
    return now.astimezone(dt.UTC).date() + SOON


def _systems(now: dt.datetime) -> QuerySet[InventoryEntry]:
    found = InventoryEntry.objects.filter(next_review_on__lte=_until(now))
    return found.filter(project__state=Project.State.ACTIVE).select_related("project")


@sweep_part("system_reviews", _systems)
def remind_of_systems(found: list[InventoryEntry], now: dt.datetime) -> None:
    """Tell owner, deputy and managers that the whole system is to be looked at again."""
    managers = _people_of((each.project_id for each in found), _R.MANAGER)
    _tell(
        (
            _Coming(
                kind=_K.REVIEW_DUE, key=f"inventory:{each.pk}", name=_("The review of the system"),
                url=reverse("governance:project-inventory", args=[each.project.slug]),
                project_id=each.project_id, day=each.next_review_on,
                people=[*_answering(each), *managers[each.project_id]],
                text=_("Look at the system as a whole, and say so."),
            )
            for each in found
        ),
        now,
    )  # fmt: skip


def _reviews(now: dt.datetime) -> QuerySet[Review]:
    """The last review of each kind whose next one comes; that of the system stands in the inventory."""
    later = Review.objects.filter(
        project=OuterRef("project"), kind=OuterRef("kind"), done_at__gt=OuterRef("done_at")
    )
    listed = InventoryEntry.objects.filter(project=OuterRef("project"))
    found = Review.objects.filter(~Exists(later), next_on__lte=_until(now))
    found = found.exclude(Exists(listed), kind=Review.Kind.SYSTEM)
    return found.filter(project__state=Project.State.ACTIVE).select_related("project")


@sweep_part("reviews", _reviews)
def remind_of_reviews(found: list[Review], now: dt.datetime) -> None:
    """Tell who did the last one, if they still belong to the project, and managers."""
    projects = {each.project_id for each in found}
    managers = _people_of(projects, _R.MANAGER)
    judges = _people_of(projects, _R.MANAGER, _R.REVIEWER)
    _tell(
        (
            _Coming(
                kind=_K.REVIEW_DUE, key=f"review:{each.pk}",
                name=_("The review “%(kind)s”") % {"kind": each.get_kind_display()},
                url=reverse("governance:project-inventory", args=[each.project.slug]),
                project_id=each.project_id, day=each.next_on,
                people=_if_there(each.done_by_id, judges[each.project_id]) + managers[each.project_id],
                text=_("Look again, and say what came out."),
            )
            for each in found
        ),
        now,
    )  # fmt: skip


def _assurances(now: dt.datetime) -> QuerySet[Assurance]:
    """Those that end, under frameworks that the project is still measured by."""
    used = FrameworkUse.objects.filter(
        project=OuterRef("project"), framework__key=OuterRef("framework_key"), ended_at__isnull=True
    )
    found = Assurance.objects.filter(Exists(used), ended_at__isnull=True, expires_on__lte=_until(now))
    return found.filter(project__state=Project.State.ACTIVE).select_related("project")


@sweep_part("assurances", _assurances)
def remind_of_assurances(found: list[Assurance], now: dt.datetime) -> None:
    """Tell who signed it, if they still belong to the project, and managers."""
    projects = {each.project_id for each in found}
    managers = _people_of(projects, _R.MANAGER)
    judges = _people_of(projects, _R.MANAGER, _R.REVIEWER)
    _tell(
        (
            _Coming(
                kind=_K.REVIEW_DUE, key=f"assurance:{each.pk}",
                name=_("The assurance of %(control)s") % {"control": each.control},
                url=reverse(
                    "governance:control", args=[each.project.slug, each.framework_key, each.control]
                ),
                project_id=each.project_id, day=each.expires_on,
                people=_if_there(each.signed_by_id, judges[each.project_id]) + managers[each.project_id],
                text=_("Its last day is %(day)s. Then the review of the control is due.")
                % {"day": f"{each.expires_on:%d %b %Y}"},
            )
            for each in found
        ),
        now,
    )  # fmt: skip


def _incidents(now: dt.datetime) -> QuerySet[Incident]:
    found = Incident.objects.filter(
        state=Incident.State.OPEN, reported_at__isnull=True, due_at__lte=now + INCIDENT_SOON
    )
    return found.filter(project__state=Project.State.ACTIVE).select_related("project")


@sweep_part("incidents", _incidents)
def remind_of_incidents(found: list[Incident], now: dt.datetime) -> None:
    """Tell owner of the system, managers and reviewers that the authority must hear of it (Article 73)."""
    projects = {each.project_id for each in found}
    judges = _people_of(projects, _R.MANAGER, _R.REVIEWER)
    owners = _owners(projects)
    tell_all(
        [_of_incident(each, {*judges[each.project_id], *owners[each.project_id]}, now) for each in found]
    )


def tell_incident(incident: Incident) -> None:
    """The same people hear of a serious incident as soon as it is put down, but not who did so."""
    if incident.due_at is None:
        return
    people = {
        *_people_of([incident.project_id], _R.MANAGER, _R.REVIEWER)[incident.project_id],
        *_owners([incident.project_id])[incident.project_id],
    } - {incident.opened_by_id}
    told = Occasion(
        sorted(people), _K.INCIDENT_DUE, _("Incident: %(name)s") % {"name": incident},
        reverse("governance:project-incidents", args=[incident.project.slug]), f"incident:{incident.pk}:new",
        _deadline(incident.due_at), incident.project_id,
    )  # fmt: skip
    tell_all([told])


def _of_incident(incident: Incident, people: Collection[int], now: dt.datetime) -> Occasion:
    due = incident.due_at
    assert due is not None  # only those with a deadline are looked at
    words, stage, subject = {"name": incident}, "soon", _("The authority must soon hear of: %(name)s")
    if due <= now:
        stage, subject = "late", _("The authority should have heard by now of: %(name)s")
    elif due.astimezone(dt.UTC).date() == now.astimezone(dt.UTC).date():
        stage, subject = "due", _("The authority must hear today of: %(name)s")
    return Occasion(
        sorted(people), _K.INCIDENT_DUE, subject % words,
        reverse("governance:project-incidents", args=[incident.project.slug]),
        f"incident:{incident.pk}:{stage}", _deadline(due), incident.project_id,
    )  # fmt: skip


def _deadline(due: dt.datetime) -> str:
    words = {"moment": f"{timezone.localtime(due, dt.UTC):%d %b %Y, %H:%M} UTC"}
    return _("The authority must have been told by %(moment)s.") % words


def _owners(projects: Collection[int]) -> Mapping[int, set[int]]:
    """Who answers for each system by the inventory, and who stands in. 1 query."""
    found: dict[int, set[int]] = defaultdict(set)
    entries = InventoryEntry.objects.filter(project__in=projects)
    for entry in entries:
        found[entry.project_id] |= set(_answering(entry))
    return found


def _answering(entry: InventoryEntry) -> list[int]:
    return [pk for pk in (entry.owner_id, entry.deputy_id) if pk is not None]


def _if_there(person: int, judges: Collection[int]) -> list[int]:
    return [person] if person in judges else []
