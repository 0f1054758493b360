"""Evidence: runs and documents frozen into snapshots, tied to tasks, expired."""

import hashlib
from typing import Any

import rfc8785
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import (
    EVIDENCE_STATES,
    TASK_STATES,
    Evidence,
    Iteration,
    Project,
    Run,
    Snapshot,
    Task,
    User,
)
from lifecycle.services.proof import is_proven
from lifecycle.services.staleness import expire_one, reopen_stale, tell_evidence
from lifecycle.services.steps import (
    allow,
    change,
    ensure_active,
    ensure_open,
    ensure_same_project,
    locked,
    record,
)
from lifecycle.services.texts import line, prose

FORMAT = "gatebook-snapshot/1"
DOCUMENT_KINDS = ("REV", "DOC")
_S = Task.State
_ATTACHABLE = (_S.INSTANTIATED, _S.RISKS_IDENTIFIED, _S.MITIGATING, _S.RISKS_ACCEPTED, _S.EVIDENCE_ATTACHED)
_RELATED = ("phase__iteration__project", "phase__iteration__process_version")


@transaction.atomic
def freeze_run(*, run: Run, actor: Actor) -> Snapshot:
    """The snapshot of a finished run: its canonical JSON, named by SHA-256. The same content is frozen once.

    Raises `Refused("run_not_finished")`, and `Invalid` for a record that canonical JSON can not hold.
    """
    run = locked(run, "project", "iteration", "model_version", "started_by")
    allow(
        rules.is_machine(actor) or rules.can_contribute(actor, run.project),
        _("You do not work in this project."),
    )
    if run.state != Run.State.FINISHED:
        raise Refused("run_not_finished", _("Only a finished run can be evidence."))

    content, digest = canonical(content_of(run))
    return _freeze(run.project, run.kind, run.title, content, digest, actor, run=run)


@transaction.atomic
def freeze_document(
    *, project: Project, kind: str, title: str, content: dict[str, Any], actor: User
) -> Snapshot:
    """The snapshot of a recorded review (`REV`) or a document (`DOC`); the same content is frozen once."""
    project = locked(project)
    allow(rules.can_take_part(actor, project), _("You do not work in this project."))
    ensure_active(project)
    if kind not in DOCUMENT_KINDS:
        raise Invalid("unknown_kind", _("A document is a review (REV) or a document (DOC)."), "kind")
    title = line(title, "title")

    text, digest = canonical(
        {"format": FORMAT, "kind": kind, "title": title, "project": project.slug, "content": content}
    )
    return _freeze(project, kind, title, text, digest, actor)


@transaction.atomic
def attach_evidence(*, task: Task, snapshot: Snapshot, actor: User) -> Evidence:
    """Tie a snapshot to a task that is at work.

    When its risks are accepted and every kind of evidence is there, the task is ready to be verified.
    Raises `Refused` (`already_attached`, `task_not_at_work`), `Invalid("other_project")`.
    """
    task = locked(task, *_RELATED)
    iteration = task.phase.iteration
    allow(rules.can_contribute(actor, iteration.project), _("You do not work in this project."))
    ensure_same_project(iteration.project, snapshot.project_id, "snapshot")
    ensure_open(iteration)
    if task.state not in _ATTACHABLE:
        text = _("Evidence is attached while a task is at work; this one is %(state)s.")
        raise Refused("task_not_at_work", text % {"state": task.get_state_display().lower()})
    if task.evidence.filter(snapshot=snapshot).exists():
        raise Refused("already_attached", _("This snapshot was attached before."))

    evidence = Evidence.objects.create(
        task=task, snapshot=snapshot, attached_by=actor, attached_at=timezone.now()
    )
    before = task.state
    if task.state == _S.RISKS_ACCEPTED and is_proven(task):
        task.state = TASK_STATES.next(task.state, "attach_evidence")
        task.save(update_fields=["state"])
    record(
        LifecycleAction.EVIDENCE_ATTACHED, evidence, actor=actor, project=iteration.project,
        iteration=iteration,
        task=task.pk, key=task.key, phase=task.phase.key, snapshot=snapshot.pk, kind=snapshot.kind,
        digest=snapshot.digest, run=snapshot.run_id, **change(before, task.state),
    )  # fmt: skip
    tell_evidence(evidence, iteration.project_id)
    return evidence


@transaction.atomic
def expire_evidence(*, evidence: Evidence, actor: Actor, reason: str) -> Evidence:
    """Note that what the evidence proved has changed: it no longer counts, and its task is opened again.

    A task of an iteration that is over stays as it was.
    """
    task = locked(evidence.task, *_RELATED)
    evidence = locked(evidence, "snapshot")
    iteration = task.phase.iteration
    allow(
        rules.is_machine(actor) or rules.can_contribute(actor, iteration.project),
        _("You do not work in this project."),
    )
    reason = prose(reason, "reason")
    EVIDENCE_STATES.next(evidence.state, "expire")

    before, evidence_before = task.state, evidence.state
    expire_one(evidence, reason)
    if iteration.state == Iteration.State.OPEN:
        reopen_stale(task, reason)
    record(
        LifecycleAction.EVIDENCE_EXPIRED, evidence, actor=actor, project=iteration.project,
        iteration=iteration,
        task=task.pk, key=task.key, digest=evidence.snapshot.digest, reason=reason,
        **change(evidence_before, evidence.state), task_from=before, task_to=task.state,
    )  # fmt: skip
    tell_evidence(evidence, iteration.project_id)
    return evidence


def digest_of(run: Run) -> str:
    """The digest that a finished run would have if it were frozen now; nothing is written.

    Raises `Invalid` for a record that canonical JSON can not hold.
    """
    return canonical(content_of(run))[1]


def content_of(run: Run) -> dict[str, Any]:
    """What is frozen of a run. Expects project, iteration, model version and starter. No query with them."""
    return {
        "format": FORMAT,
        "kind": run.kind,
        "title": run.title,
        "project": run.project.slug,
        "iteration": run.iteration.number if run.iteration else None,
        "run": run.pk,
        "source": run.source,
        "external_id": run.external_id,
        "started_by": run.started_by.actor_key if run.started_by else None,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "spec": run.spec,
        "spec_digest": run.spec_digest,
        "record": run.record,
        "model_digest": run.model_version.digest if run.model_version else None,
    }


def canonical(content: dict[str, Any]) -> tuple[str, str]:
    """RFC 8785 JSON and its SHA-256."""
    try:
        raw = rfc8785.dumps(content)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        text = _("This can not be written as canonical JSON: %(why)s.") % {"why": error}
        raise Invalid("not_json", text, "content") from error
    return raw.decode(), hashlib.sha256(raw).hexdigest()


def _freeze(
    project: Project, kind: str, title: str, content: str, digest: str, actor: Actor, run: Run | None = None
) -> Snapshot:
    snapshot, made = Snapshot.objects.get_or_create(
        project=project, digest=digest,
        defaults={"kind": kind, "title": title, "content": content, "run": run, "created_at": timezone.now()},
    )  # fmt: skip
    if made:
        record(
            LifecycleAction.SNAPSHOT_FROZEN, snapshot, actor=actor, project=project,
            iteration=run.iteration if run else None, kind=kind, digest=digest, run=run.pk if run else None,
        )  # fmt: skip
    return snapshot
