"""What the tests of decisions start from, and how they see that a refusal left no trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import rfc8785
from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db import connection

from governance.errors import Invalid, Refused
from governance.models import Gate
from governance.services.signoffs import sign_gate
from ledger.models import Entry
from lifecycle.models import Evidence, ModelVersion, Task, User
from tests import make


def rows() -> dict[str, list[tuple]]:
    """Every record of the two apps that a decision may touch, as the database holds it.

    By plain SQL: a refusal asks for all tables twice, and the ORM takes long to make its queries.
    """
    models = [*apps.get_app_config("governance").get_models(), *apps.get_app_config("lifecycle").get_models()]
    with connection.cursor() as cursor:
        return {model._meta.label: _rows_of(cursor, model._meta) for model in models}


def _rows_of(cursor, table) -> list[tuple]:
    columns = ", ".join(f'"{field.column}"' for field in table.concrete_fields)
    cursor.execute(f'SELECT {columns} FROM "{table.db_table}" ORDER BY "{table.pk.column}"')
    return cursor.fetchall()


@contextmanager
def no_trace(entries: int = 0) -> Iterator[None]:
    """Whatever happens inside leaves every record as it was, and the ledger too but for so many entries."""
    before, count = rows(), Entry.objects.count()
    yield
    # What was asked and answered is kept also where the answer is no.
    assert {**rows(), "governance.GateAsk": []} == {**before, "governance.GateAsk": []}
    assert Entry.objects.count() == count + entries


@contextmanager
def refused(code: str, *, entries: int = 0) -> Iterator[None]:
    """A refusal with this code that leaves no trace but `entries`; `forbidden` is a PermissionDenied."""
    kind = PermissionDenied if code == "forbidden" else (Refused, Invalid)
    with no_trace(entries), pytest.raises(kind) as no:
        yield
    if code != "forbidden":
        assert no.value.code == code
    assert str(no.value)


@contextmanager
def entry_of(action: str, *with_them: str) -> Iterator[None]:
    """Exactly one entry with this action is written inside, and besides only those `with_them`, in order."""
    before = Entry.objects.count()
    yield
    written = list(Entry.objects.filter(index__gte=before).values_list("action", flat=True))
    assert written == [action, *with_them]


def sign(gate: Gate, actor: User, **changes):
    """An approval of what was evaluated last, unless told otherwise."""
    last = gate.evaluations.order_by("-evaluated_at", "-pk").first()
    values = {
        "password": make.PASSWORD,
        "decision": "approve",
        "meaning": "approval",
        "digest": last.digest if last else "",
    } | changes
    return sign_gate(gate=gate, actor=actor, **values)


def reviewers(gate: Gate, count: int = 2) -> list[User]:
    """New reviewers who took no part in the work."""
    return [make.member(gate.iteration.project, "reviewer") for _ in range(count)]


def first_task(gate: Gate) -> Task:
    return gate.phase.tasks.get(key="1.1")


def measured(
    task: Task, version: ModelVersion, record: dict, kind: str = "TRN", state: str = "attached", **fields
) -> Evidence:
    """Evidence of a run of this model version with this record, given by somebody who came for it."""
    project = task.phase.iteration.project
    run = make.run(project, kind, model_version=version, record=record)
    content = rfc8785.dumps({"record": record, "number": make.number()}).decode()
    snapshot = make.snapshot(project, kind, run=run, content=content)
    values = {"attached_by": make.member(project)} | fields
    return make.evidence(task, kind, state, snapshot=snapshot, **values)
