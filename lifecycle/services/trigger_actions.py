"""What a firing sets off. Each function does it or says in a `Refused` why it cannot be done now."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.actors import Actor
from lifecycle.errors import Refused
from lifecycle.models import Firing, Iteration, MonitoringPlan, Phase, Run, Trigger
from lifecycle.services.iterations import open_iteration
from lifecycle.services.monitoring_windows import look_at_due_windows
from lifecycle.services.phases import reopen_phase
from lifecycle.services.run_requests import request_data_validation, request_evaluation, request_training


def open_iteration_of(firing: Firing) -> Iteration | None:
    """The open iteration of the firing's project, if there is one. 1 query."""
    return Iteration.objects.filter(project=firing.trigger.project_id, state=Iteration.State.OPEN).first()


def carry_out(firing: Firing, actor: Actor) -> str:
    """Do what the trigger is for and return in a sentence what was done. Raises Refused, PermissionDenied."""
    return _ACTIONS[firing.trigger.action](firing, actor)


def _open_iteration(firing: Firing, actor: Actor) -> str:
    trigger = firing.trigger
    current = open_iteration_of(firing)
    if current is not None:
        text = _("Iteration %(number)d is still open, and there is one at a time.")
        raise Refused("iteration_open", text % {"number": current.number})
    iteration = open_iteration(
        project=trigger.project,
        title=trigger.name,
        reason=firing.summary,
        start_phase=trigger.target_phase or "P1",
        actor=actor,
        firing=firing,
    )
    return _("Opened iteration %(number)d at %(phase)s.") % {
        "number": iteration.number,
        "phase": iteration.start_phase,
    }


def _needed_iteration(firing: Firing) -> Iteration:
    iteration = open_iteration_of(firing)
    if iteration is None:
        raise Refused("no_open_iteration", _("No iteration is open."))
    return iteration


def _reopen_phase(firing: Firing, actor: Actor) -> str:
    iteration = _needed_iteration(firing)
    phase = Phase.objects.filter(iteration=iteration, key=firing.trigger.target_phase).first()
    if phase is None:
        text = _("Iteration %(number)d has no phase “%(phase)s”.")
        raise Refused(
            "no_such_phase", text % {"number": iteration.number, "phase": firing.trigger.target_phase}
        )
    reopen_phase(phase=phase, actor=actor, reason=firing.summary)
    return _("Reopened %(phase)s in iteration %(number)d.") % {"phase": phase, "number": iteration.number}


def _start_training(firing: Firing, actor: Actor) -> str:
    """Train after `params.training`, or as the last training did."""
    spec = _spec_for(firing, "training", Run.Kind.TRAINING)
    if spec is None:
        raise Refused("no_training", _("The project has no finished training to repeat."))
    run = _ask(firing, actor, request_training, _("%(trigger)s: train again"), spec)
    return _("Asked for training %(run)s.") % {"run": run.label}


def _start_validation(firing: Firing, actor: Actor) -> str:
    """Check data after `params.validation`, or as the last check did."""
    spec = _spec_for(firing, "validation", Run.Kind.DATA_VALIDATION)
    if spec is None:
        raise Refused("no_validation", _("The project has no finished check of data to repeat."))
    run = _ask(firing, actor, request_data_validation, _("%(trigger)s: check the data"), spec)
    return _("Asked for data validation %(run)s.") % {"run": run.label}


def _start_evaluation(firing: Firing, actor: Actor) -> str:
    """Evaluate the model that was seen, else the newest, after `params.evaluation` or as the last time."""
    spec = _spec_for(firing, "evaluation", Run.Kind.EVALUATION)
    if spec is None:
        raise Refused("no_evaluation", _("The project has no finished evaluation to repeat."))
    models = firing.trigger.project.model_versions.order_by("-number")
    seen = firing.observed.get("model") or ""
    model = models.filter(digest=seen).first() or models.first()
    if model is None:
        raise Refused("no_model", _("The project has no model to evaluate."))
    spec = {name: value for name, value in spec.items() if name != "model_sha256"}
    title = _("%(trigger)s: evaluate again")
    run = _ask(firing, actor, request_evaluation, title, spec, model_version=model)
    return _("Asked for evaluation %(run)s.") % {"run": run.label}


def _start_monitoring(firing: Firing, actor: Actor) -> str:
    """Look at the due windows of the plan `params.plan`, of the plan that was seen, or of all plans."""
    key = firing.trigger.params.get("plan") or firing.observed.get("plan") or ""
    plans = MonitoringPlan.objects.filter(
        project=firing.trigger.project_id, state=MonitoringPlan.State.ACTIVE, **({"key": key} if key else {})
    )
    runs = [run for plan in plans.order_by("pk") for run in look_at_due_windows(plan, timezone.now())]
    if not runs:
        raise Refused("nothing_due", _("No plan has a window that was not looked at."))
    return ngettext("Asked for a look at one window.", "Asked for looks at %(n)d windows.", len(runs)) % {
        "n": len(runs)
    }


def _spec_for(firing: Firing, name: str, kind: str) -> Mapping[str, Any] | None:
    """What the trigger's params ask for, else what the last finished run of the kind was asked. 1 query."""
    given = firing.trigger.params.get(name)
    if given:
        return given if isinstance(given, dict) else None
    done = Run.objects.filter(
        project=firing.trigger.project_id, kind=kind, state=Run.State.FINISHED, source="builtin"
    )
    last = done.order_by("-finished_at", "-pk").first()
    return last.spec if last else None


def _ask(
    firing: Firing,
    actor: Actor,
    request: Callable[..., Run],
    title: str,
    spec: Mapping[str, Any],
    **more: Any,
) -> Run:
    return request(
        project=firing.trigger.project, iteration=open_iteration_of(firing), task=None, spec=spec,
        title=title % {"trigger": firing.trigger.key}, actor=actor, once=f"firing:{firing.pk}", **more,
    )  # fmt: skip


def _suspend(firing: Firing, actor: Actor) -> str:
    return _("The authorizations of the model were put to suspension.")


def _shorten(firing: Firing, actor: Actor) -> str:
    return _("The authorizations of the model were shortened.")


def _find(firing: Firing, actor: Actor) -> str:
    return _("A finding was opened.")


def _notify(firing: Firing, actor: Actor) -> str:
    return _("The project's people were told.")


_ACTIONS: dict[str, Callable[[Firing, Actor], str]] = {
    Trigger.Action.OPEN_ITERATION: _open_iteration,
    Trigger.Action.REOPEN_PHASE: _reopen_phase,
    Trigger.Action.START_TRAINING: _start_training,
    Trigger.Action.START_VALIDATION: _start_validation,
    Trigger.Action.START_EVALUATION: _start_evaluation,
    Trigger.Action.START_MONITORING: _start_monitoring,
    Trigger.Action.SUSPEND_AUTHORIZATION: _suspend,
    Trigger.Action.SHORTEN_AUTHORIZATION: _shorten,
    Trigger.Action.OPEN_FINDING: _find,
    Trigger.Action.NOTIFY: _notify,
}
