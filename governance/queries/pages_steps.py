"""What is to be done next in a project, what does harm first. No query of its own."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from governance.models import Gate
from governance.queries.pages_project import Overview
from governance.rules.gates import fills_seat
from lifecycle.models import Handoff, Phase, User

MOST_STEPS = 7
_SETTLED = (Phase.State.PASSED, Phase.State.PASSED_WITH_CONDITIONS, Phase.State.INHERITED)


class Step(NamedTuple):
    """Something to do. `url_name` may not exist in this installation; then the row has no link."""

    state: str
    glyph: str
    title: str
    why: str
    verb: str
    url_name: str
    url_arg: object


def next_steps(overview: Overview, user: User) -> list[Step]:
    """Firings to decide, gates to sign or to open, phases to move on, work that is late or nobody's."""
    found = [
        *_firing_steps(overview),
        *_gate_steps(overview, user),
        *_phase_steps(overview),
        *_task_steps(overview),
        *_handoff_steps(overview),
        *_finding_steps(overview),
    ]
    return found[:MOST_STEPS]


def _firing_steps(overview: Overview) -> list[Step]:
    verb, where = _("Decide"), "lifecycle:firing"
    return [
        Step("bad", "trigger", _("Decide about %s") % each.trigger, each.summary, verb, where, each.pk)
        for each in overview.waiting_firings
    ]


def _gate_steps(overview: Overview, user: User) -> list[Step]:
    place = next((each for each in overview.members if each.user_id == user.pk), None)
    steps = []
    for gate in overview.open_gates:
        title = _("Sign %s") if fills_seat(place, gate) else _("%s waits for signatures")
        about = f"{gate.question} ({gate.model_version})" if gate.model_version else gate.question
        steps.append(Step("open", "gate", title % gate, about, _("Review"), "governance:gate", gate.pk))
    return steps


def _phase_steps(overview: Overview) -> list[Step]:
    """Phases that somebody may move on: to a gate, to a review, or from its start."""
    steps, slug, ready = [], overview.project.slug, True
    gates_page = "governance:project-gates"
    for place, line in enumerate(overview.lines):
        phase, work = line.work.phase, line.work
        asked = line.gate is not None and line.gate.state == Gate.State.OPEN
        if phase.state == Phase.State.IN_REVIEW and not asked:
            title = _("Open %(gate)s for %(phase)s") % {"gate": line.gate_key, "phase": phase}
            why = _("The phase is in review and nobody has asked for the decision yet.")
            steps.append(Step("open", "gate", title, why, _("Open gate"), gates_page, slug))
        elif phase.state == Phase.State.IN_PROGRESS and work.total and not work.open:
            title = _("Request the review of %s") % phase
            why = _("All its tasks are verified; %s decides whether the work goes on.") % line.gate_key
            steps.append(Step("open", "gate", title, why, _("Review"), gates_page, slug))
        elif phase.state in (Phase.State.NOT_STARTED, Phase.State.REOPENED) and ready:
            why = _("The phase before it is passed.") if place else _("The iteration begins with it.")
            title, tasks_page = _("Start %s") % phase, "lifecycle:project-tasks"
            steps.append(Step("planned", "run", title, why, _("Start"), tasks_page, slug))
        ready = phase.state in _SETTLED
    return steps


def _task_steps(overview: Overview) -> list[Step]:
    if overview.work is None:
        return []
    steps, verb = [], _("Open")
    for task in overview.work.overdue[:2]:
        if task.due_on is None:
            continue
        words = {"day": date_format(task.due_on, "j M", use_l10n=False), "owner": task.owner or _("nobody")}
        why = _("It was due on %(day)s; %(owner)s has it.") % words
        steps.append(Step("late", "warn", _("Finish %s") % task, why, verb, "lifecycle:task", task.pk))
    unowned = overview.work.unowned
    if unowned:
        keys, place = ", ".join(task.key for task in unowned[:6]), "lifecycle:project-ownership"
        why = _("Without an owner or anybody accountable: %s.") % keys
        title = _("Name people for %d tasks") % len(unowned)
        steps.append(Step("warn", "person", title, why, _("Assign"), place, overview.project.slug))
    return steps


def _handoff_steps(overview: Overview) -> list[Step]:
    words = {
        Handoff.State.OFFERED: _("Accept or return %s"),
        Handoff.State.RETURNED: _("Mend and offer again: %s"),
    }
    steps = []
    for handoff in overview.work.handoffs if overview.work else []:
        state = Handoff.State(handoff.state)
        if state in words:
            holder = handoff.taker if state == Handoff.State.OFFERED else handoff.giver
            why, place = handoff.reason or _("It is with %s.") % holder, "lifecycle:handoff"
            title = words[state] % handoff
            steps.append(Step(handoff.state, "handoff", title, why, _("Open"), place, handoff.pk))
    return steps


def _finding_steps(overview: Overview) -> list[Step]:
    why, verb, place = _("An open finding."), _("Open"), "governance:project-models"
    return [
        Step("warn", "warn", each.title, each.detail or why, verb, place, overview.project.slug)
        for each in overview.findings[:2]
    ]
