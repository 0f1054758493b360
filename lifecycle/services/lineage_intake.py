"""OpenLineage events come in: each is kept once, and the runs that they are about are recorded anew.

What is recorded of a run is a function of the set of its events (`openlineage_fold`), so their order,
repetition and lateness do not matter. Events about a job or a data set alone are kept and change no run.
"""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle.errors import Invalid, InvalidItems, Refused
from lifecycle.intake.openlineage_events import LineageFact
from lifecycle.intake.openlineage_fold import fold
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.intake.reading import read_as
from lifecycle.models import LineageEvent, Project
from lifecycle.rules import can_take_part, is_machine
from lifecycle.services.run_intake import Intake, upsert_runs
from lifecycle.services.steps import allow, ensure_active, locked

SOURCE = "openlineage"
MOST_EVENTS_OF_A_RUN = 2_000


@dataclass
class LineageIntake:
    """What became of some events: how many were new, which were refused (by their place), which runs."""

    new: int = 0
    refused: dict[int, Invalid | Refused] = field(default_factory=dict)
    runs: Intake | None = None


@transaction.atomic
def record_lineage(*, project: Project, facts: Sequence[LineageFact], actor: Actor) -> LineageIntake:
    """Keep the events that are new and record their runs: one transaction, one entry, whatever their order.

    A run whose events together make no run that can be kept is refused with all of its new events; the others
    are recorded. At most 1,000 events. Raises PermissionDenied and `Refused("project_closed")`.
    """
    project = locked(project)
    allow(
        is_machine(actor) or can_take_part(actor, project),
        _("Only people who work on the project record runs."),
    )
    ensure_active(project)
    done = LineageIntake()
    known = _known(project, {fact.subject for fact in facts})
    runs: list[OutsideRun] = []
    keeping: list[LineageFact] = []
    for places in _by_subject(facts).values():
        fresh = {facts[at].digest: facts[at] for at in places}
        before = known[facts[places[0]].subject]
        fresh = {digest: fact for digest, fact in fresh.items() if digest not in before}
        if not fresh:
            continue
        try:
            if facts[places[0]].about == "run":
                runs.append(_run([*before.values(), *(fact.raw for fact in fresh.values())]))
        except (Invalid, Refused) as no:
            done.refused |= dict.fromkeys(places, no)
            continue
        keeping += fresh.values()
    _keep(project, keeping)
    done.new = len(keeping)
    if runs:
        done.runs = _record(project, runs, actor)
    return done


def _record(project: Project, runs: list[OutsideRun], actor: Actor) -> Intake:
    """Record runs; one whose tags name a place that is not there, or over, is recorded without a place."""
    try:
        return upsert_runs(project=project, source=SOURCE, runs=runs, actor=actor)
    except InvalidItems as no:
        lost = {int(flaw.where.split("/")[2]) for flaw in no.flaws if flaw.where.startswith("/runs/")}
    nowhere = {"iteration": None, "task": None}
    placed = [run.model_copy(update=nowhere) if at in lost else run for at, run in enumerate(runs)]
    return upsert_runs(project=project, source=SOURCE, runs=placed, actor=actor)


def _by_subject(facts: Sequence[LineageFact]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for at, fact in enumerate(facts):
        found[fact.subject].append(at)
    return found


def _known(project: Project, subjects: set[str]) -> dict[str, dict[str, bytes]]:
    """The events that are there, by subject and digest. 1 query."""
    found: dict[str, dict[str, bytes]] = defaultdict(dict)
    for event in LineageEvent.objects.filter(project=project, subject__in=subjects).order_by("pk"):
        found[event.subject][event.digest] = event.raw
    return found


def _run(events: list[bytes]) -> OutsideRun:
    if len(events) > MOST_EVENTS_OF_A_RUN:
        text = _("A run has at most %(most)d events.") % {"most": MOST_EVENTS_OF_A_RUN}
        raise Refused("too_many_events", text)
    try:
        return read_as(OutsideRun, fold(events))
    except InvalidItems as no:
        raise Invalid(no.code, _("Its run can not be recorded: %(why)s") % {"why": no.text}, no.where) from no


def _keep(project: Project, facts: Sequence[LineageFact]) -> None:
    moment = now()
    LineageEvent.objects.bulk_create(
        [
            LineageEvent(
                project=project, about=fact.about, subject=fact.subject, digest=fact.digest,
                event_time=fact.event_time, received_at=moment, packed=zlib.compress(fact.raw, 6),
            )
            for fact in facts
        ],
        batch_size=500,
    )  # fmt: skip
