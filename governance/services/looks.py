"""Looking at what runs: the aliases of a tracker, files on disk. On schedule and on demand.

A look changes nothing of what was seen when the tracker or the disk does not answer: the place says why, and
what was seen last is still compared with what is authorized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import groupby
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.errors import Invalid, Refused
from governance.models import RunningPlace, Sighting
from governance.rules.running import may_look
from governance.services.artifact_digests import digest_of
from governance.services.running_places import due_places
from governance.services.sightings import WATCH, ClockBehind, Seen, judge_again, key_of, note_seen
from ledger.actors import Actor
from lifecycle.artifacts.places import PlaceError, place_for
from lifecycle.connectors.mlflow import Tracker
from lifecycle.connectors.mlflow_files import place_of
from lifecycle.connectors.shapes import ModelVersionShape, RegisteredModel, TrackerError
from lifecycle.models import Connector, Job, Project
from lifecycle.outbound import Limits, OutboundError
from lifecycle.outbox_registry import handler
from lifecycle.services.connectors import access_to
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow

TASK = "governance.look_at_running"
EVERY = timedelta(seconds=60)
LONGEST = timedelta(minutes=15)
"""A look that takes longer may be overtaken by another, which does no harm."""
_LIMITS = Limits(seconds=20, size=16_000_000, redirects=0)


@dataclass
class Looked:
    """What a round of looks found."""

    places: int = 0
    seen: int = 0
    changed: int = 0
    problems: list[str] = field(default_factory=list)


class Problem(NamedTuple):
    """Why nobody knows which model it is. `passing`: asked again it may be known."""

    text: str = ""
    passing: bool = False


def look_at_due(moment: datetime | None = None) -> Looked:
    """Look at the places whose time has come, and compare everything else anew. Any number at once may."""
    at = moment or now()
    found = look_at(places=[place for place in due_places(at) if _taken(place, at)])
    try:
        found.changed += judge_again()
    except ClockBehind as no:
        found.problems.append(str(no))
    return found


def look_at(*, places: Iterable[RunningPlace], actor: Actor = WATCH, afresh: bool = False) -> Looked:
    """Look at these places now. `afresh` reads every file again, whatever is remembered of it."""
    this = _Round(actor, afresh)
    listed = sorted(places, key=lambda each: (each.connector_id or 0, each.pk))
    for _connector, group in groupby(listed, key=lambda each: each.connector_id):
        some = list(group)
        connector = some[0].connector
        if connector is None:
            for place in some:
                this.look(place, this.files)
        else:
            this.look_at_tracker(connector, some)
    return this.looked


@transaction.atomic
def ask_for_look(*, project: Project, actor: Actor) -> Job:
    """Have a worker look at all places of a project now, reading every file again. People who work there may.

    Asked for again within a minute it is the same look.
    """
    allow(may_look(actor, project), _("Only people who work on this project have it looked at."))
    return enqueue(task=TASK, args={"project_id": project.pk}, key=f"running:{project.pk}:{now():%Y%m%d%H%M}")


@handler(TASK)
def look_at_project(*, project_id: int) -> None:
    """The worker's way to `look_at`."""
    look_at(places=places_of(project_id), afresh=True)
    judge_again()


def places_of(project_id: int | None = None) -> list[RunningPlace]:
    """The places that are looked at, of one project or of all. 1 query."""
    found = RunningPlace.objects.filter(retired_at__isnull=True, project__state=Project.State.ACTIVE)
    found = found.filter(project=project_id) if project_id is not None else found
    return list(found.select_related("connector", "project").order_by("pk"))


def _taken(place: RunningPlace, at: datetime) -> bool:
    """Take a place for this look; it is due again should the look die."""
    rows = RunningPlace.objects.filter(pk=place.pk, next_look_at=place.next_look_at)
    return bool(rows.update(next_look_at=at + LONGEST))


class _Round:
    """One round of looks, and what it has found so far."""

    def __init__(self, actor: Actor, afresh: bool) -> None:  # noqa: FBT001
        self.looked, self._actor, self._afresh = Looked(), actor, afresh

    def look_at_tracker(self, connector: Connector, places: Sequence[RunningPlace]) -> None:
        """One question for all models, and some for each alias that fits."""
        try:
            with Tracker(access_to(connector), limits=_LIMITS, waits=()) as tracker:
                models = tracker.models()
                for place in places:
                    self.look(place, lambda each: self.aliases(each, connector, tracker, models))
        except (OutboundError, TrackerError, Refused) as error:
            for place in places:
                self._failed(place, str(error))

    def look(self, place: RunningPlace, seen: Callable[[RunningPlace], list[Seen]]) -> None:
        """Keep what is seen at one place; a place that cannot be looked at says why."""
        try:
            noted = note_seen(seen(place), of=Sighting.objects.filter(place=place), actor=self._actor)
        except (OutboundError, TrackerError, PlaceError, Refused, ClockBehind) as error:
            self._failed(place, str(error))
            return
        moment = now()
        _standing(place).update(looked_at=moment, next_look_at=moment + EVERY, problem="")
        self.looked.places += 1
        self.looked.seen += noted.seen
        self.looked.changed += len(noted.changed)

    def files(self, place: RunningPlace) -> list[Seen]:
        """What lies at a path. Raises `PlaceError` and `Refused` if it cannot be read now."""
        try:
            digest, problem = digest_of(place_for(place.path), place.path, afresh=self._afresh), ""
        except Invalid as no:
            if no.code in ("missing", "empty"):
                return []
            digest, problem = "", str(no)
        return [_seen(place, "files", place.path, digest=digest, problem=problem)]

    def aliases(
        self, place: RunningPlace, connector: Connector, tracker: Tracker, models: Sequence[RegisteredModel]
    ) -> list[Seen]:
        """What the alias names, for each model that fits. What cannot be read now is as it was."""
        found = []
        known = {each.where: each for each in Sighting.objects.filter(place=place)}
        for model in models:
            version = next((each.version for each in model.aliases if each.alias == place.alias), "")
            if not version or not fnmatchcase(model.name, place.model):
                continue
            where, what = f"{model.name}@{place.alias}", _("version %(number)s") % {"number": version}
            digest, problem = self._digest(connector, tracker, model.name, version)
            last = known.get(where)
            if problem.passing and last is not None and last.what == what:
                digest, problem = last.digest, Problem(last.problem)
            source = f"mlflow:{connector.key}"
            found.append(_seen(place, source, where, what=what, digest=digest, problem=problem.text))
        return found

    def _digest(self, connector: Connector, tracker: Tracker, name: str, number: str) -> tuple[str, Problem]:
        try:
            version = tracker.version(name, number)
            return version_digest(connector, tracker, version, afresh=self._afresh), Problem()
        except Invalid as no:
            return "", Problem(str(no))
        except (OutboundError, TrackerError, PlaceError, Refused) as error:
            return "", Problem(str(error), passing=True)

    def _failed(self, place: RunningPlace, why: str) -> None:
        _standing(place).update(next_look_at=now() + EVERY, problem=why[:2000])
        self.looked.problems.append(f"{place}: {why}")


def version_digest(
    connector: Connector, tracker: Tracker, version: ModelVersionShape, *, afresh: bool = False
) -> str:
    """The digest of a registered model's version. Raises what reading it raises."""
    name = f"{connector.source}:{version.name}/{version.version}"
    return digest_of(place_of(tracker, version), name, afresh=afresh)


def _standing(place: RunningPlace) -> QuerySet[RunningPlace]:
    return RunningPlace.objects.filter(pk=place.pk, retired_at__isnull=True)


def _seen(place: RunningPlace, source: str, where: str, *, digest: str, problem: str, what: str = "") -> Seen:
    return Seen(
        key_of("place", place.pk, where), source, where[:500], digest, place.environment, what=what[:500],
        problem=problem[:500], scope=place.scope, project=place.project, place=place,
    )  # fmt: skip
