"""What a firing sets off. Each function does it or says in a `Refused` why it cannot be done now."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from ledger.actors import Actor
from lifecycle.errors import Refused
from lifecycle.models import Firing, Iteration, Phase, Run, Trigger
from lifecycle.services.iterations import open_iteration
from lifecycle.services.phases import reopen_phase
from lifecycle.services.run_requests import request_training


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
    project, iteration = firing.trigger.project, open_iteration_of(firing)
    trainings = Run.objects.filter(project=project, kind=Run.Kind.TRAINING, state=Run.State.FINISHED)
    last = trainings.order_by("-finished_at", "-pk").first()
    spec = firing.trigger.params.get("training") or (last.spec if last else None)
    if spec is None:
        raise Refused("no_training", _("The project has no finished training to repeat."))
    title = _("%(trigger)s: train again") % {"trigger": firing.trigger.key}
    run = request_training(
        project=project,
        iteration=iteration,
        task=None,
        title=title,
        spec=spec,
        actor=actor,
        once=f"firing:{firing.pk}",
    )
    return _("Asked for training %(run)s.") % {"run": run.label}


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
    Trigger.Action.SUSPEND_AUTHORIZATION: _suspend,
    Trigger.Action.SHORTEN_AUTHORIZATION: _shorten,
    Trigger.Action.OPEN_FINDING: _find,
    Trigger.Action.NOTIFY: _notify,
}
