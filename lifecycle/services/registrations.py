"""Models and data sets that people ask to have named by their digest: asked for, carried out, ended once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.actors import Actor, SystemActor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.artifacts.places import place_for
from lifecycle.errors import Invalid, Refused
from lifecycle.models import (
    REGISTRATION_STATES,
    DataSetVersion,
    ModelVersion,
    Project,
    Registration,
    Run,
)
from lifecycle.services.outbox import enqueue
from lifecycle.services.steps import allow, ensure_active, ensure_same_project, locked, person, record
from lifecycle.shapes import fault_words

MACHINE = SystemActor("registrations")
ENDED = frozenset({Registration.State.FINISHED, Registration.State.FAILED})
SAVED_EVERY = 1.0
_K = Registration.Kind


class DataSpec(BaseModel):
    """Which data is read and what its digest covers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=500)
    uri: str = Field(min_length=1, max_length=2000)
    format: str = Field(default="csv", pattern=r"^(csv|parquet|sql)$")
    digest: str = Field(
        default="bytes",
        pattern=r"^(bytes|kept|any)$",
        description="of the file's bytes, of the rows in their order, or of the rows in any order",
    )
    query: str = Field(default="", max_length=20_000, description="a SELECT, for the format sql")
    licence: str = Field(default="", max_length=300)
    owner: str = Field(default="", max_length=300)


def request_model(
    *, project: Project, uri: str, actor: Actor, run: Run | None = None, key: str = ""
) -> Registration:
    """Ask to have the model at an address read, named by its digest, and its signature looked at.

    `run` is the training that made it. The same `key` asks once. Connectors call it for the versions of a
    registry. Raises `Invalid` for an address that is none or is not allowed.
    """
    if run is not None:
        ensure_same_project(project, run.project_id, "run")
    place_for(uri)
    return _ask(project, _K.MODEL, uri, {}, actor, run, key)


def request_data_set(
    *, project: Project, spec: Mapping[str, Any], actor: Actor, key: str = ""
) -> Registration:
    """Ask to have a table read and named by the digest that the specification asks for."""
    checked = read_data_spec(spec)
    return _ask(project, _K.DATA, checked.uri, checked.model_dump(), actor, None, key)


def read_data_spec(spec: Mapping[str, Any]) -> DataSpec:
    """The specification, checked; `Invalid` names the first wrong place."""
    try:
        checked = DataSpec.model_validate(dict(spec))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = "/" + "/".join(map(str, fault["loc"]))
        raise Invalid("bad_specification", f"{where}: {fault_words(fault)}.", where) from error
    if checked.format == "sql" and not checked.query.strip():
        raise Invalid("query_missing", _("Say which rows: a SELECT."), "/query")
    if checked.format == "sql" and checked.digest == "bytes":
        text = _("The bytes of a database say nothing of a query's answer: choose rows, kept or any order.")
        raise Invalid("bad_specification", text, "/digest")
    if any(ord(letter) < 0x20 for letter in checked.name + checked.uri + checked.licence + checked.owner):
        raise Invalid("control_character", _("Names and addresses are of one line."), "/name")
    return checked


@transaction.atomic
def _ask(
    project: Project, kind: str, uri: str, spec: dict[str, Any], actor: Actor, run: Run | None, key: str
) -> Registration:
    project = locked(project)
    allow(
        rules.is_machine(actor) or rules.can_contribute(actor, project),
        _("Only managers and contributors register models and data."),
    )
    ensure_active(project)
    full_key = f"{actor.actor_key}:{key}" if key else ""
    earlier = Registration.objects.filter(project=project, key=full_key).first() if key else None
    if earlier is not None:
        if (earlier.kind, earlier.uri, earlier.spec) != (kind, uri, spec):
            raise Refused("key_reused", _("This key has already been used for something else."))
        return earlier

    made = Registration.objects.create(
        project=project, kind=kind, uri=uri, spec=spec, key=full_key, run=run, requested_by=person(actor),
        created_at=now(),
    )  # fmt: skip
    record(
        LifecycleAction.REGISTRATION_REQUESTED, made, actor=actor, project=project, kind=kind, uri=uri,
        spec=spec, run=run.pk if run else None,
    )  # fmt: skip
    enqueue(task="registrations.carry_out", args={"registration_id": made.pk}, key=f"registration:{made.pk}")
    return made


@transaction.atomic
def begin(*, registration_id: int) -> Registration:
    """A worker takes it up; an ended one is given back as it is. No entry: the end leaves one."""
    found = locked(Registration(pk=registration_id), "project", "run", "requested_by")
    if found.state in ENDED:
        return found
    found.state = REGISTRATION_STATES.next(found.state, "begin")
    found.progress, found.step = 0.0, ""
    found.save(update_fields=["state", "progress", "step"])
    return found


@transaction.atomic
def fail(*, registration_id: int, error: str) -> Registration:
    """It has ended badly; `error` says why. Nothing of what was read is kept."""
    found = locked(Registration(pk=registration_id), "project")
    if found.state in ENDED:
        return found
    found.state = REGISTRATION_STATES.next(found.state, "fail")
    found.error, found.finished_at, found.step = error.strip() or _("It failed."), now(), ""
    found.save(update_fields=["state", "error", "finished_at", "step"])
    record(
        LifecycleAction.REGISTRATION_FAILED, found, actor=MACHINE, project=found.project, kind=found.kind,
        uri=found.uri, error=found.error[:2000],
    )  # fmt: skip
    return found


def finish(registration: Registration, **made: ModelVersion | DataSetVersion) -> None:
    """It has ended well; the caller has locked it and records what was made."""
    registration.state = REGISTRATION_STATES.next(registration.state, "finish")
    registration.progress, registration.step, registration.finished_at = 1.0, "", now()
    for name, value in made.items():
        setattr(registration, name, value)
    registration.save(update_fields=["state", "progress", "step", "finished_at", *made])


class Reporter:
    """Saves how far a registration is: when the step changes and a second has passed."""

    def __init__(self, registration: Registration) -> None:
        self._rows = Registration.objects.filter(pk=registration.pk, state=Registration.State.RUNNING)
        self._saved = 0.0

    def __call__(self, step: str, share: float) -> None:
        if time.monotonic() - self._saved < SAVED_EVERY:
            return
        self._saved = time.monotonic()
        self._rows.update(progress=min(max(share, 0.0), 1.0), step=step[:200])
