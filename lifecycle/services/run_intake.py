"""The intake of runs: what a source says of runs that happened outside, kept in batches.

The contract, for every connector and endpoint:

- **Input.** `upsert_runs` takes `OutsideRun`s (lifecycle/intake/outside_run.py), each *everything* that
  the source says of one run now: what a later call leaves out is gone. `read_runs`
  (lifecycle/intake/reading.py) makes them from JSON and names every wrong place (`/runs/3/metrics/loss`).
  The limits: 1,000 runs a batch; 1,000 parameters (6,000 characters), 5,000 metrics, 1,000 tags (8,000
  characters), 100,000 points of history, 200 data sets in and out, names of 250 characters, `detail` of
  256 KB. Numbers are finite; `"NaN"`, `"Infinity"` and `"-Infinity"` as texts are the explicit other forms
  of a metric. Integers are within 2^53. Times have a zone, are after 1990 and at most 10 minutes ahead of
  this clock. A run that has ended has `finished_at`, another has none.
- **Identity.** (project, source, external_id). `source` is the caller's (`mlflow:7`, `openlineage`, `api`);
  `builtin` and `gatebook` are ours.
- **One batch, one transaction, one entry.** All of a batch is kept or nothing. A `RunBatch` lists each run
  that was written with the SHA-256 of its content; the ledger's entry `runs.recorded` holds the root over
  that list. A batch in which nothing is new writes nothing at all, not even an entry.
- **Idempotent.** The same content again writes nothing (`unchanged`). Other content of a run under way
  replaces it (`updated`). Other content of a run that had ended replaces it too, but keeps the earlier digest
  (`RunRevision`) and sends `run_content_changed` once (`changed`): evidence frozen from it stays as it is. A
  deleted or restored run (`deleted`) is such a change.
- **Told.** `run_ended` for each run that has newly ended, `run_content_changed` as above; both in the
  transaction, so a receiver that fails undoes the batch.
- **Place.** `iteration` and `task` say where a run belongs; they are no part of its content. Left out, a run
  that is there keeps its place.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import IntegrityError, transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from ledger.merkle import leaf_hash, root_of
from lifecycle import events
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Flaw, Invalid, InvalidItems
from lifecycle.intake.content import Content, content_of
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.models import ModelVersion, Project, Run, RunBatch, RunHistory, RunRevision
from lifecycle.models.run_batches import leaf_of, pack_lines
from lifecycle.rules import is_machine, takes_part
from lifecycle.services.data_uses import note_data
from lifecycle.services.run_lock import Here, hold
from lifecycle.services.run_places import Place, places_of
from lifecycle.services.run_rows import insert_runs, is_known
from lifecycle.services.steps import allow, ensure_active, person, record

MOST_RUNS = 1_000
OURS = frozenset({"builtin", "gatebook"})
_SOURCE = re.compile(r"[a-z0-9][a-z0-9:._-]{0,39}")
_ENDED = frozenset({Run.State.FINISHED.value, Run.State.FAILED.value})
_CHUNK = 500
_ONCE = "run_external_id_once"
_WRITTEN = [
    "kind", "title", "state", "error", "url", "parent_external_id", "record", "model_version", "iteration",
    "task", "started_at", "finished_at", "content_digest", "batch", "deleted_at_source", "progress",
]  # fmt: skip
_NEEDED = (
    "pk", "project_id", "external_id", "state", "content_digest", "batch_id", "iteration_id", "task_id",
    "created_at", "started_by_id",
)  # fmt: skip

Outcome = Literal["created", "updated", "changed", "unchanged"]


@dataclass(frozen=True)
class Kept:
    """What became of one run of a batch; `before` is the digest that its content had, empty for a new one."""

    external_id: str
    run_id: int
    outcome: Outcome
    digest: str
    before: str = ""


@dataclass(frozen=True)
class Intake:
    """What became of a batch, in the order in which it was sent; no batch if nothing was written."""

    batch: RunBatch | None
    kept: list[Kept]

    @property
    def counts(self) -> dict[str, int]:
        """How many runs were created, updated, changed and unchanged."""
        found = dict.fromkeys(("created", "updated", "changed", "unchanged"), 0)
        for each in self.kept:
            found[each.outcome] += 1
        return found


@dataclass
class _Step:
    """One run on its way: what was there, what is to be."""

    content: Content
    place: Place
    run: Run
    outcome: Outcome
    before: str = ""
    state: str = ""
    batch_id: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the run has newly ended."""
        return self.content.run.state in _ENDED and self.state not in _ENDED


def upsert_runs(*, project: Project, source: str, runs: Sequence[OutsideRun], actor: Actor) -> Intake:
    """Keep what a source says of its runs, as the module's words promise.

    Members who take part in the project and machines may. Raises `Invalid` (`unknown_source`,
    `too_many_runs`), `InvalidItems` (`twice_in_batch`, `unknown_iteration`, `unknown_task`,
    `iteration_closed`), `Refused("project_closed")`. At most 11 queries for a batch of new runs.
    """
    _check_batch(source, runs)
    contents = [content_of(source, run) for run in runs]  # the slow part, before anything is locked
    try:
        return _keep(project, source, contents, actor, look=len(contents) > 1)
    except IntegrityError as error:
        if _ONCE not in str(error):
            raise
        return _keep(project, source, contents, actor, look=True)  # somebody sent the same run just before


@transaction.atomic
def _keep(project: Project, source: str, contents: list[Content], actor: Actor, *, look: bool) -> Intake:
    """`look` asks for runs that are there under the lock; else what the lock's own statement saw counts."""
    here = hold(project, source, [each.run.external_id for each in contents], actor)
    allow(
        is_machine(actor) or takes_part(actor, here.role),
        _("Only people who work on the project record runs."),
    )
    project = here.project
    ensure_active(project)

    steps = _steps(here, source, contents, actor, look=look or here.knows)
    writing = [each for each in steps if each.outcome != "unchanged"]
    if not writing:
        return Intake(None, [_kept(each) for each in steps])
    batch = RunBatch(
        pk=here.batch, project=project, source=source, sent_by=person(actor), created_at=now(),
        count=len(writing),
    )  # fmt: skip
    _write(writing, batch)
    note_data(project, [(each.run.pk, each.content.record) for each in writing])
    _tell(writing, batch)
    record(
        LifecycleAction.RUNS_RECORDED, batch, actor=actor, project=project,
        source=source, root=batch.root, count=batch.count, iterations=_iterations(writing),
        created=_count(writing, "created"), updated=_count(writing, "updated"),
        changed=_count(writing, "changed"),
    )  # fmt: skip
    return Intake(batch, [_kept(each) for each in steps])


def _check_batch(source: str, runs: Sequence[OutsideRun]) -> None:
    if not _SOURCE.fullmatch(source) or source in OURS:
        text = _("A source has 1 to 40 of a-z, 0-9 and :._- and is none of ours.")
        raise Invalid("unknown_source", text, "/source")
    if len(runs) > MOST_RUNS:
        text = _("A batch has at most %(most)d runs.") % {"most": MOST_RUNS}
        raise Invalid("too_many_runs", text, "/runs")
    seen: set[str] = set()
    flaws = []
    for at, run in enumerate(runs):
        if run.external_id in seen:
            text = _("The batch has this run twice; send its last state once.")
            flaws.append(Flaw(f"/runs/{at}/external_id", "twice_in_batch", text))
        seen.add(run.external_id)
    if flaws:
        raise InvalidItems(flaws)


def _steps(here: Here, source: str, contents: list[Content], actor: Actor, *, look: bool) -> list[_Step]:
    project = here.project
    known = _known(project, source, [each.run.external_id for each in contents]) if look else {}
    models = _models(project, contents)
    places = places_of(project, [each.run for each in contents], known)
    moment, sender = now(), person(actor)
    steps = []
    for content, place, pk in zip(contents, places, here.runs, strict=True):
        run = known.get(content.run.external_id)
        if run is None:
            run = Run(
                pk=pk, project=project, source=source, external_id=content.run.external_id,
                started_by=sender, created_at=moment,
            )  # fmt: skip
            step = _Step(content, place, run, "created")
        else:
            step = _step_of_known(run, content, place)
        if step.outcome != "unchanged":
            _fill(run, content, place, models)
        steps.append(step)
    return steps


def _known(project: Project, source: str, names: list[str]) -> dict[str, Run]:
    """The runs that are there already, locked, without their records."""
    found: dict[str, Run] = {}
    if not is_known(project.pk, source, names):
        return found
    for at in range(0, len(names), _CHUNK):
        rows = Run.objects.select_for_update(of=("self",), no_key=True).only(*_NEEDED).order_by("pk")
        for run in rows.filter(project=project, source=source, external_id__in=names[at : at + _CHUNK]):
            found[run.external_id] = run
    return found


def _models(project: Project, contents: list[Content]) -> dict[str, ModelVersion]:
    digests = {each.run.model.digest for each in contents if each.run.model and each.run.model.digest}
    if not digests:
        return {}
    found = ModelVersion.objects.filter(project=project, digest__in=digests)
    return {each.digest: each for each in found}


def _step_of_known(run: Run, content: Content, place: Place) -> _Step:
    before, after = run.content_digest or "", content.digest.hex()
    outcome: Outcome = "updated"
    if before == after:
        outcome = "updated" if place.moves(run) else "unchanged"
    elif run.state in _ENDED:
        outcome = "changed"
    return _Step(content, place, run, outcome, before, run.state, run.batch_id)


def _fill(run: Run, content: Content, place: Place, models: dict[str, ModelVersion]) -> None:
    said = content.run
    run.kind, run.title, run.state = said.kind, said.title.strip(), said.state
    run.error, run.url, run.parent_external_id = content.error, said.url, said.parent
    run.record, run.content_digest = content.record, content.digest.hex()
    run.started_at, run.finished_at = said.started_at, said.finished_at
    run.deleted_at_source = said.deleted
    run.progress = 1.0 if said.state == "finished" else 0.0
    run.model_version = models.get(said.model.digest) if said.model else None
    place.put(run)


def _write(writing: list[_Step], batch: RunBatch) -> None:
    new = [each for each in writing if each.outcome == "created"]
    old = [each for each in writing if each.outcome != "created"]
    _keep_revisions(old, batch)
    for each in writing:
        each.run.batch = batch
    if old:
        Run.objects.bulk_update([each.run for each in old], _WRITTEN, batch_size=_CHUNK)
        RunHistory.objects.filter(run__in=[each.run.pk for each in old]).delete()
    lines = [(each.run.pk, each.content.digest) for each in writing]
    batch.packed = pack_lines(lines)
    batch.root = root_of(leaf_hash(leaf_of(pk, digest)) for pk, digest in lines).hex()
    packed = [(each.run.pk, each.content.history) for each in writing if each.content.history is not None]
    insert_runs([each.run for each in new], [each.content.text for each in new], batch, packed)


def _keep_revisions(old: list[_Step], batch: RunBatch) -> None:
    """What is replaced, of runs that had ended or that another sender had brought."""
    earlier = {each.batch_id for each in old if each.batch_id is not None}
    senders = dict(RunBatch.objects.filter(pk__in=earlier).values_list("pk", "sent_by")) if earlier else {}
    kept = []
    for each in old:
        if each.batch_id is None:
            continue
        if each.outcome == "changed" or senders.get(each.batch_id) != batch.sent_by_id:
            kept.append(
                RunRevision(
                    run=each.run, digest=each.before, state=each.state, batch_id=each.batch_id,
                    replaced_at=batch.created_at,
                )
            )  # fmt: skip
    RunRevision.objects.bulk_create(kept, batch_size=_CHUNK)


def _tell(writing: list[_Step], batch: RunBatch) -> None:
    for each in writing:
        run = each.run
        if each.ended:
            ended = events.RunEnded(
                run_id=run.pk, project_id=run.project_id, kind=run.kind, state=run.state, source=run.source
            )
            events.run_ended.send(sender=Run, event=ended)
        elif each.outcome == "changed":
            changed = events.RunContentChanged(
                run_id=run.pk, project_id=run.project_id, before_digest=each.before,
                after_digest=each.content.digest.hex(), batch_id=batch.pk,
                deleted_at_source=run.deleted_at_source,
            )  # fmt: skip
            events.run_content_changed.send(sender=Run, event=changed)


def _iterations(writing: list[_Step]) -> list[int]:
    """The iterations that the batch touches: whoever sent it took part in them."""
    return sorted({each.place.number for each in writing if each.place.number is not None})


def _count(writing: list[_Step], outcome: Outcome) -> int:
    return sum(each.outcome == outcome for each in writing)


def _kept(step: _Step) -> Kept:
    return Kept(
        step.run.external_id, step.run.pk, step.outcome, step.content.digest.hex(), step.before
    )  # fmt: skip
