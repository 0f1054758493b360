"""Where it is looked for what runs: places are added and retired. docs/enforcement.md says who may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from governance.actions import GovernanceAction as Action
from governance.errors import Invalid, Refused
from governance.models import RunningPlace
from governance.rules.running import may_add_alias, may_add_files, may_retire_place
from governance.services.sightings import lose_sighting
from ledger.actors import Actor
from ledger.services import append
from lifecycle.artifacts.places import place_for
from lifecycle.models import Connector, Project
from lifecycle.services.steps import allow, ensure_active, locked, person
from lifecycle.services.texts import line

MOST = 200
_K = RunningPlace.Kind


@transaction.atomic
def watch_alias(
    *, project: Project, connector: Connector, model: str, alias: str, environment: str, actor: Actor,
    scope: Mapping[str, Sequence[str]] | None = None,
) -> RunningPlace:  # fmt: skip
    """What an alias of a registry names runs in this environment. Managers of the project may say so.

    Raises `Invalid` with the field, `Refused` (`project_closed`, `watched`, `too_many`).
    """
    allow(may_add_alias(actor, project), _("Only managers of the project say what an alias stands for."))
    model, alias = line(model, "model", most=256), line(alias, "alias", most=255)
    if alias.lower() == "latest":
        raise Invalid("alias_reserved", _("“latest” is no alias: it names whatever came last."), "alias")
    place = RunningPlace(kind=_K.ALIAS, connector=connector, model=model, alias=alias)
    return _add(place, project, environment, scope, actor)


@transaction.atomic
def watch_files(
    *, project: Project, path: str, environment: str, actor: Actor,
    scope: Mapping[str, Sequence[str]] | None = None,
) -> RunningPlace:  # fmt: skip
    """What lies at a path or in a bucket below `GATEBOOK_MODEL_ROOTS` runs in this environment.

    Administrators may say so. Raises `Invalid` for a path outside those roots, `Refused` as `watch_alias`.
    """
    allow(may_add_files(actor), _("Only administrators say which files are looked at."))
    path = line(path, "path", most=2000)
    if path.startswith(("http:", "https:")):
        raise Invalid("no_path", _("Name a path or a bucket."), "path")
    try:
        place_for(path)
    except Invalid as no:
        raise Invalid(no.code, str(no), "path") from no
    return _add(RunningPlace(kind=_K.FILES, path=path), project, environment, scope, actor)


@transaction.atomic
def retire_place(*, place: RunningPlace, actor: Actor) -> RunningPlace:
    """It is looked at no longer; what was seen there counts as gone."""
    place = locked(place, "project")
    allow(may_retire_place(actor, place), _("Only managers of the project and administrators do this."))
    if place.retired_at is not None:
        raise Refused("retired", _("This place was retired before."))
    place.retired_at, place.next_look_at = now(), None
    place.save(update_fields=["retired_at", "next_look_at"])
    append(
        actor=actor, action=Action.RUNNING_PLACE_RETIRED, subject=place, project=place.project.slug,
        detail={"place": str(place), "environment": place.environment},
    )  # fmt: skip
    for each in place.sightings.exclude(state="gone").order_by("pk"):
        lose_sighting(sighting=each, actor=actor)
    return place


def _add(
    place: RunningPlace, project: Project, environment: str, scope: Mapping[str, Sequence[str]] | None,
    actor: Actor,
) -> RunningPlace:  # fmt: skip
    project = locked(project)
    ensure_active(project)
    place.project, place.environment = project, line(environment, "environment", most=60)
    place.scope = {key: list(values) for key, values in (scope or {}).items()}
    place.created_by, place.created_at = person(actor) or project.created_by, now()
    standing = RunningPlace.objects.filter(retired_at__isnull=True)
    same = standing.filter(
        kind=place.kind, connector=place.connector, model=place.model, alias=place.alias, path=place.path
    )
    if same.exists():
        raise Refused("watched", _("This place is looked at already."))
    if standing.filter(project=project).count() >= MOST:
        raise Refused("too_many", _("A project has at most %(most)d such places.") % {"most": MOST})
    place.next_look_at = place.created_at
    place.save()
    append(
        actor=actor, action=Action.RUNNING_PLACE_ADDED, subject=place, project=project.slug,
        detail={
            "kind": place.kind, "place": str(place), "environment": place.environment, "scope": place.scope,
            "connector": place.connector.key if place.connector else "",
        },
    )  # fmt: skip
    return place


def due_places(moment: datetime) -> list[RunningPlace]:
    """Those that are to be looked at by now. 1 query."""
    found = RunningPlace.objects.filter(
        retired_at__isnull=True, next_look_at__lte=moment, project__state=Project.State.ACTIVE
    )
    return list(found.select_related("connector", "project").order_by("connector_id", "pk"))
