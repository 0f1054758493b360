"""Trainings done again from their record on the same data, and whether the same came out."""

from __future__ import annotations

import math
from typing import Any

from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actors import Actor, SystemActor
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.models import REPRODUCTION_STATES, Iteration, Reproduction, Run
from lifecycle.rules import can_contribute, is_machine
from lifecycle.services.run_requests import request_training
from lifecycle.services.steps import allow, locked, record

MACHINE = SystemActor("reproductions")
TOLERANCE = 0.001
_COMPARED = ("metrics", "baseline_metrics", "metrics_train")


@transaction.atomic
def request_reproduction(*, run: Run, actor: Actor, tolerance: float = TOLERANCE) -> Reproduction:
    """Ask for a finished training to be done again, on data of the very digest that it had.

    A metric may differ by `tolerance` at most. Refused for runs that are no finished training of ours.
    """
    run = locked(run, "project")
    allow(
        is_machine(actor) or can_contribute(actor, run.project),
        _("Only managers and contributors ask for runs."),
    )
    if run.kind != Run.Kind.TRAINING or run.state != Run.State.FINISHED or run.source != "builtin":
        raise Refused("not_a_training", _("Only a finished training that ran here can be done again."))
    if not (math.isfinite(tolerance) and 0 <= tolerance <= 1):
        raise Invalid("bad_tolerance", _("The tolerance is a number from 0 to 1."), "tolerance")
    if not run.spec.get("data"):
        raise Refused("no_specification", _("This training did not keep the specification to repeat it by."))
    iteration = Iteration.objects.filter(project=run.project_id, state=Iteration.State.OPEN).first()
    spec = {**run.spec, "data": {**run.spec["data"], "sha256": (run.record.get("data") or {}).get("sha256")}}
    again = request_training(
        project=run.project,
        iteration=iteration,
        task=None,
        title=_("%(title)s, done again") % {"title": run.title[:280]},
        spec=spec,
        actor=actor,
    )
    made = Reproduction.objects.create(original=run, run=again, tolerance=tolerance, asked_at=now())
    record(
        LifecycleAction.REPRODUCTION_ASKED, made, actor=actor, project=run.project, original=run.pk,
        run=again.pk, tolerance=tolerance,
    )  # fmt: skip
    return made


@transaction.atomic
def settle_reproduction(*, run_id: int) -> Reproduction | None:
    """Compare a training that has ended with the one that it repeats; None (1 query) if it repeats none."""
    found = Reproduction.objects.filter(run_id=run_id, state=Reproduction.State.RUNNING).first()
    if found is None:
        return None
    found = locked(found, "run__project", "original")
    if found.run.state == Run.State.FAILED:
        event, found.differences = "fail", []
    else:
        found.differences = differences(found.original, found.run, found.tolerance)
        same = found.original.model_version_id == found.run.model_version_id
        near = all(each["within"] for each in found.differences)
        event = "match" if same and near else "come_near" if near else "differ"
    found.state = REPRODUCTION_STATES.next(found.state, event)
    found.settled_at = now()
    found.save(update_fields=["state", "differences", "settled_at"])
    worst = max((each["difference"] or 0.0 for each in found.differences), default=0.0)
    record(
        LifecycleAction.REPRODUCTION_SETTLED, found, actor=MACHINE, project=found.run.project,
        original=found.original_id, run=found.run_id, outcome=found.state, largest_difference=worst,
    )  # fmt: skip
    return found


def differences(original: Run, again: Run, tolerance: float) -> list[dict[str, Any]]:
    """Every metric before and after; one that is missing on one side alone is not within tolerance."""
    found = []
    for part in _COMPARED:
        before, after = original.record.get(part) or {}, again.record.get(part) or {}
        for name in sorted({*before, *after}):
            pair = before.get(name), after.get(name)
            numbers = [value for value in pair if value is not None]
            difference = abs(numbers[0] - numbers[1]) if len(numbers) == 2 else None
            within = (difference is not None and difference <= tolerance) or not numbers
            label = name if part == "metrics" else f"{part.removesuffix('_metrics')}: {name}"
            found.append(
                {"metric": label, "before": pair[0], "after": pair[1], "difference": difference,
                 "within": within}
            )  # fmt: skip
    return found
