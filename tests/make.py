"""Records for tests: plain functions with defaults. What a test is about, it says itself.

Where a record comes out of a service in one call, that service makes it; else the object is written
directly, in
the state asked for and as the database's constraints want it.
"""

import datetime as dt
import hashlib
import itertools
from typing import Any

import rfc8785
from django.utils import timezone

from lifecycle.definitions import ProcessDocument, catalogue, digest, parse, plain
from lifecycle.models import (
    AcceptanceCriterion,
    Connector,
    DataSet,
    DataSetVersion,
    Deliverable,
    Evidence,
    Exclusion,
    Firing,
    Handoff,
    Iteration,
    Membership,
    ModelVersion,
    MonitoringPlan,
    MonitoringWindow,
    Phase,
    Process,
    ProcessVersion,
    Project,
    QualityAction,
    Registration,
    Requirement,
    Risk,
    Run,
    Snapshot,
    Task,
    Trigger,
    User,
)
from lifecycle.services.iterations import open_iteration
from lifecycle.services.projects import create_project

PASSWORD = "quiet-harbour-41"

_numbers = itertools.count(1)


def number() -> int:
    """A number that no other record of this test run has."""
    return next(_numbers)


def user(username: str = "", **fields: Any) -> User:
    """An active person with `PASSWORD`; `org_role` and the rest as fields."""
    each = number()
    values = {"name": f"Person {each}", "email": f"person{each}@example.org"} | fields
    return User.objects.create_user(username=username or f"person{each}", password=PASSWORD, **values)


def small_document(**changes: Any) -> ProcessDocument:
    """A process of two phases and three tasks, for tests that walk all of it."""
    document: dict[str, Any] = {
        "format": "gatebook-process/1",
        "key": "small",
        "name": "Small",
        "summary": "Two phases.",
        "roles": [{"code": "PO", "name": "Owner"}, {"code": "DS", "name": "Scientist"}],
        "phases": [_phase("P1", "G1"), _phase("P2", "G2")],
        "tasks": [
            _task("1.1", "P1", "DS", "TRN", due_days=5),
            _task("1.2", "P1", "PO", "DOC", due_days=10, optional=True),
            _task("2.1", "P2", "DS", "EVR", due_days=7),
        ],
        "risks": [
            {
                "key": "R1-01", "phase": "P1", "tasks": ["1.1"], "text": "It breaks", "category": "technical",
                "severity": 4, "occurrence": 3, "methods": ["Q1-01"],
            }
        ],
        "methods": [{"key": "Q1-01", "name": "Look again", "text": "Somebody looks again."}],
        "handoffs": [
            {
                "key": "H-01", "name": "Data to modelling", "phase": "P1", "to_phase": "P2", "givers": ["PO"],
                "takers": ["DS"], "deliverables": ["Data", "Notes"], "criteria": ["Complete", "Readable"],
                "opens": {"event": "gate_passed", "ref": "G1"}, "due_days": 3,
            }
        ],
        "triggers": [
            {
                "key": "T-01", "kind": "manual", "name": "By hand", "signal": "Somebody asks", "condition":
                "true",
                "mode": "ask", "action": "open_iteration", "reopens": ["P2"], "fallback": "Nothing",
            }
        ],
        "gates": [_gate("G1", ["P1", "P2"]), _gate("G2", ["P2"])],
    }  # fmt: skip
    return parse(document | changes)


def process_version(document: ProcessDocument | None = None, **fields: Any) -> ProcessVersion:
    """A published version, of CRISP-ML(Q) unless a document is given."""
    content = document or catalogue()
    process, _ = Process.objects.get_or_create(key=content.key, defaults={"name": content.name})
    values = {
        "number": number(),
        "document": plain(content),
        "digest": digest(content),
        "state": "published",
        "created_at": timezone.now(),
        "published_at": timezone.now(),
    } | fields
    if "created_by" not in values:
        values["created_by"] = user(org_role="process_owner")
    return ProcessVersion.objects.create(process=process, **values)


def project(manager: User | None = None, document: ProcessDocument | None = None, **fields: Any) -> Project:
    """A project whose manager is `created_by`, under CRISP-ML(Q) unless a document or process_version is
    given.
    """
    version = fields.pop("process_version", None) or process_version(document)
    each = number()
    values = {
        "slug": f"project-{each}",
        "name": f"Project {each}",
        "purpose": "",
        "risk_class": "limited",
    } | fields
    return create_project(process_version=version, actor=manager or user(), **values)


def small_project(manager: User | None = None, **fields: Any) -> Project:
    """A project under `small_document`."""
    return project(manager, small_document(), **fields)


def member(
    project: Project, role: str = "contributor", *crisp_roles: str, user: User | None = None, **fields: Any
) -> User:
    """A person who belongs to the project, with codes of the process such as DS."""
    person = user or globals()["user"]()
    values = {"joined_at": timezone.now()} | fields
    Membership.objects.create(
        project=project, user=person, role=role, crisp_roles=list(crisp_roles), **values
    )
    return person


def iteration(project: Project | None = None, **fields: Any) -> Iteration:
    """An open iteration with all its tasks, opened by the project's manager."""
    home = project or small_project()
    values = {"title": "First trip", "reason": "Because", "actor": home.created_by} | fields
    return open_iteration(project=home, **values)


def phase(
    iteration: Iteration | None = None, key: str = "P1", state: str = "in_progress", **fields: Any
) -> Phase:
    """A phase of the iteration, put into the state."""
    home = iteration or globals()["iteration"]()
    found = home.phases.get(key=key)
    return _put(found, state=state, **fields)


def task(
    phase: Phase | None = None,
    key: str = "1.1",
    state: str = "planned",
    owner: User | None = None,
    **fields: Any,
) -> Task:
    """A task of a phase in progress, put into the state; its owner is a new contributor unless there is
    one.
    """
    home = phase or globals()["phase"]()
    found = home.tasks.get(key=key)
    fields["owner"] = owner or found.owner or member(home.iteration.project)
    if state == "verified" and "verified_by" not in fields:
        fields |= {"verified_by": member(home.iteration.project, "reviewer"), "verified_at": timezone.now()}
    return _put(found, state=state, **fields)


def risk(task: Task | None = None, state: str = "identified", **fields: Any) -> Risk:
    """A risk of the task, scored 4 x 3 (above the default appetite of 6) once it is assessed."""
    home = task or globals()["task"](state="instantiated")
    values: dict[str, Any] = {"key": f"X{number()}", "text": "Something breaks", "category": "technical"}
    if state != "identified":
        values |= {"severity": 4, "occurrence": 3, "inherent_severity": 4, "inherent_occurrence": 3}
    made = Risk.objects.create(task=home, state=state, **(values | fields))
    return Risk.objects.get(pk=made.pk)


def quality_action(risk: Risk | None = None, state: str = "selected", **fields: Any) -> QualityAction:
    """A measure against a risk that is in the state that goes with it."""
    home = risk or globals()["risk"](state="qa_selected" if state == "selected" else "in_mitigation")
    values = {"method": "Q1-01", "name": "Look again"} | fields
    return QualityAction.objects.create(risk=home, state=state, **values)


def exclusion(task: Task | None = None, **fields: Any) -> Exclusion:
    """That a task should not apply, asked by somebody and not decided."""
    home = task or globals()["task"](mandatory=False)
    values = {"reason": "Not here", "requested_at": timezone.now()} | fields
    values.setdefault("requested_by", member(home.phase.iteration.project))
    return Exclusion.objects.create(task=home, **values)


def requirement(project: Project | None = None, state: str = "agreed", **fields: Any) -> Requirement:
    """Accuracy of at least 0.9, checked at G4."""
    home = project or small_project()
    values = {
        "key": f"accuracy-{number()}", "statement": "Accurate enough", "metric": "accuracy", "operator": ">=",
        "limit": 0.9, "created_by": home.created_by, "created_at": timezone.now(),
    } | fields  # fmt: skip
    return Requirement.objects.create(project=home, state=state, **values)


def run(project: Project | None = None, kind: str = "TRN", state: str = "finished", **fields: Any) -> Run:
    """A run that nobody started, with a record once it is finished."""
    home = project or small_project()
    now = timezone.now()
    values: dict[str, Any] = {"title": f"Run {number()}", "spec": {"seed": 1}, "created_at": now}
    if state != "queued":
        values["started_at"] = now
    if state in ("finished", "failed"):
        values["finished_at"] = now
    if state == "finished":
        values |= {"record": {"metrics": {"accuracy": 0.93}, "number": number()}, "progress": 1.0}
    if state == "failed":
        values["error"] = "It broke."
    return Run.objects.create(project=home, kind=kind, state=state, **(values | fields))


def model_version(project: Project | None = None, **fields: Any) -> ModelVersion:
    """A model version without a file behind it."""
    home = project or small_project()
    each = number()
    name = hashlib.sha256(f"model {each}".encode()).hexdigest()
    values = {"number": each, "digest": name, "path": f"models/{name}.skops", "size": 1000} | fields
    return ModelVersion.objects.create(project=home, created_at=timezone.now(), **values)


def data_version(project: Project | None = None, **fields: Any) -> DataSetVersion:
    """The first version of a new data set."""
    each, now = number(), timezone.now()
    home = fields.pop("data_set", None) or DataSet.objects.create(
        project=project or small_project(), name=f"Data {each}", created_at=now
    )
    digest = hashlib.sha256(f"data {each}".encode()).hexdigest()
    values = {"number": each, "method": "bytes", "digest": digest, "file_digest": digest, "rows": 5} | fields
    return DataSetVersion.objects.create(data_set=home, **{"created_at": now, **values})


def monitoring_plan(project: Project | None = None, **fields: Any) -> MonitoringPlan:
    """A weekly plan in production that is active."""
    home = project or small_project()
    start = timezone.now()
    values = {
        "key": f"plan-{number()}", "version": 1, "name": "Sales", "environment": "production",
        "spec": {
            "source": {"uri": "live.csv", "format": "csv"}, "time_column": "day", "every": "week",
            "starts": "2026-02-02T00:00:00Z", "features": {"numeric": ["price"], "categorical": []},
            "limits": {"psi_warning": 0.1, "psi_drift": 0.25, "metrics": []}, "min_rows": 100,
        },
        "spec_digest": "0" * 64, "first_start": start, "created_at": start, "created_by": home.created_by,
    } | fields  # fmt: skip
    version = values.pop("model_version", None) or model_version(home)
    return MonitoringPlan.objects.create(project=home, model_version=version, **values)


def monitoring_window(plan: MonitoringPlan | None = None, **fields: Any) -> MonitoringWindow:
    """A window of a plan that a finished run has looked at."""
    plan = plan or monitoring_plan()
    values = {
        "start": timezone.now() - dt.timedelta(days=7), "end": timezone.now(), "stage": "all",
        "run": run(plan.project, "MON", record={"verdict": "late", "window": {"text": "Late."}}),
    } | fields  # fmt: skip
    return MonitoringWindow.objects.create(plan=plan, **values)


def registration(project: Project | None = None, **fields: Any) -> Registration:
    """A model that was asked for and waits for a worker."""
    values = {"kind": "model", "uri": f"m{number()}.onnx", "created_at": timezone.now()} | fields
    return Registration.objects.create(project=project or small_project(), **values)


def snapshot(project: Project | None = None, kind: str = "TRN", **fields: Any) -> Snapshot:
    """Frozen content that no other snapshot has."""
    home = project or small_project()
    raw = rfc8785.dumps({"kind": kind, "number": number()})
    values = {
        "title": f"{kind} {number()}", "content": raw.decode(), "digest": hashlib.sha256(raw).hexdigest(),
        "created_at": timezone.now(),
    } | fields  # fmt: skip
    return Snapshot.objects.create(project=home, kind=kind, **values)


def evidence(task: Task | None = None, kind: str = "TRN", state: str = "attached", **fields: Any) -> Evidence:
    """A snapshot tied to a task by its owner; verified by a new reviewer if it is verified."""
    home = task or globals()["task"](state="instantiated")
    project = home.phase.iteration.project
    values: dict[str, Any] = {"attached_by": home.owner, "attached_at": timezone.now()} | fields
    if "snapshot" not in values:
        values["snapshot"] = snapshot(project, kind)
    if state == "verified" and "verified_by" not in values:
        values |= {"verified_by": member(project, "reviewer"), "verified_at": timezone.now()}
    return Evidence.objects.create(task=home, state=state, **values)


def handoff(iteration: Iteration | None = None, state: str = "planned", **fields: Any) -> Handoff:
    """A handoff between two new contributors with two deliverables and two criteria, all ready for its
    state.
    """
    home = iteration or globals()["iteration"]()
    now = timezone.now()
    values: dict[str, Any] = {"key": f"X{number()}", "title": f"Handoff {number()}", "phase_key": "P1"}
    for party in ("giver", "taker"):
        if party not in fields:
            values[party] = member(home.project)
    if state in ("offered", "accepted", "returned"):
        values |= {"offered_at": now, "rounds": 1}
    if state in ("accepted", "returned"):
        values["decided_at"] = now
    if state == "returned":
        values["reason"] = "Not complete."
    made = Handoff.objects.create(iteration=home, state=state, **(values | fields))
    reference = "" if state == "planned" else "https://example.org/data"
    for order, name in enumerate(("Data", "Notes"), 1):
        Deliverable.objects.create(handoff=made, order=order, name=name, reference=reference)
    ticked = now if state == "accepted" else None
    for order, text in enumerate(("Complete", "Readable"), 1):
        AcceptanceCriterion.objects.create(handoff=made, order=order, text=text, ticked_at=ticked)
    return made


def trigger(project: Project | None = None, **fields: Any) -> Trigger:
    """A trigger by hand that asks before it opens an iteration at P1."""
    home = project or small_project()
    values = {
        "key": f"X{number()}", "name": "Something happens", "kind": "manual", "mode": "ask",
        "action": "open_iteration", "target_phase": "P1",
    } | fields  # fmt: skip
    return Trigger.objects.create(project=home, **values)


def firing(trigger: Trigger | None = None, state: str = "waiting", **fields: Any) -> Firing:
    """What a trigger saw; decided now unless it waits."""
    home = trigger or globals()["trigger"]()
    values = {
        "event_key": f"event-{number()}", "observed": {"value": 1}, "summary": "Something was seen",
        "fired_at": timezone.now(), "decided_at": None if state == "waiting" else timezone.now(),
    } | fields  # fmt: skip
    return Firing.objects.create(trigger=home, state=state, **values)


def connector(**fields: Any) -> Connector:
    """An MLflow tracker at an address where nothing answers, looked at when somebody asks only."""
    each = number()
    values = {"key": f"tracker-{each}", "name": f"Tracker {each}", "url": "http://tracker.invalid"} | fields
    if "created_by" not in values:
        values["created_by"] = user(org_role="administrator")
    return Connector.objects.create(created_at=timezone.now(), **values)


def tomorrow() -> dt.date:
    """The day after today, in the zone of the site."""
    return timezone.localdate() + dt.timedelta(days=1)


def _put(record: Any, **fields: Any) -> Any:
    for name, value in fields.items():
        setattr(record, name, value)
    record.save(update_fields=list(fields))
    return record


def _phase(key: str, gate: str) -> dict[str, Any]:
    words = {"name": f"Phase {key}", "purpose": "Work", "starts_when": "Before", "ends_when": "After"}
    return {"key": key, "gate": gate, **words}


def _task(key: str, phase: str, owner: str, kind: str, **more: Any) -> dict[str, Any]:
    proof = {"provability": "run", "evidence": [{"kind": kind, "asks": "Shows it"}]}
    return {
        "key": key,
        "phase": phase,
        "name": f"Task {key}",
        "summary": "Do it",
        "owner": owner,
        "proof": proof,
        **more,
    }


def _gate(key: str, between: list[str]) -> dict[str, Any]:
    criterion = {"key": "done", "expression": "true", "why": "So that it ends"}
    signatures = {"required": 1, "roles": ["reviewer"], "meaning": "I have checked it"}
    words = {"name": f"Gate {key}", "question": "Done?"}
    return {"key": key, "between": between, "criteria": [criterion], "signatures": signatures, **words}
