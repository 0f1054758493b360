"""Sets the stage of a story: people, process, project, requirements, the first iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from config.demo.compliance import classify
from config.demo.console import DemoConsole
from config.demo.people import CAST, gather
from config.demo.process import published
from config.demo.work import Team
from config.demo.worker import DemoError
from lifecycle.definitions import stored
from lifecycle.models import Firing, Iteration, Project, User
from lifecycle.services.iterations import complete_iteration, open_iteration
from lifecycle.services.projects import add_member, change_member, create_project
from lifecycle.services.requirements import agree_requirement, define_requirement
from lifecycle.services.triggers import change_trigger, reject_firing, start_firing

APPETITE = 12


def set_up(
    console: DemoConsole,
    *,
    slug: str,
    name: str,
    purpose: str,
    requirements: Sequence[Mapping[str, Any]],
    title: str,
    reason: str,
) -> Team:
    """Everything that has to be there before the work begins; what is there already stays."""
    with console.step("The people, their process and the project"):
        people = gather()
        lead = people["marta"]
        version = published(lead)
        project = Project.objects.filter(slug=slug).first() or create_project(
            slug=slug,
            name=name,
            purpose=purpose,
            risk_class=Project.RiskClass.LIMITED,
            risk_appetite=APPETITE,
            process_version=version,
            actor=lead,
        )
        _members(project, people, lead)
        require(project, requirements, lead)
        classify(project, people)
        iteration = project.iterations.order_by("-number").first() or open_iteration(
            project=project, title=title, reason=reason, actor=lead
        )
    return Team(project, people, iteration, stored(iteration.process_version.document), console)


def next_iteration(team: Team, *, trigger: str, start_phase: str, because: str) -> None:
    """Complete the iteration and let the waiting firing of a trigger open the next; others are rejected.

    Raises `DemoError` if the trigger saw nothing.
    """
    lead = team.who("marta")
    firings = Firing.objects.filter(trigger__project=team.project, state=Firing.State.WAITING).order_by("pk")
    for each in firings:
        team.console.line(f"{each.trigger.key} fired: {each.summary}")
    firing = firings.filter(trigger__key=trigger).first()
    if firing is None:
        raise DemoError(f"{trigger} has not fired.")
    if team.iteration.state == Iteration.State.OPEN:
        complete_iteration(iteration=team.iteration, actor=lead)
    if firing.trigger.target_phase != start_phase:
        change_trigger(trigger=firing.trigger, actor=lead, target_phase=start_phase)
    start_firing(firing=Firing.objects.get(pk=firing.pk), actor=lead)
    team.iteration = team.project.iterations.order_by("-number")[0]
    for other in firings.exclude(pk=firing.pk):
        reject_firing(
            firing=other, actor=lead, reason=f"Iteration {team.iteration.number} sees to it: {because}."
        )
    team.console.line(f"Iteration {team.iteration.number} opened by {trigger} at {start_phase}.")


def require(project: Project, requirements: Sequence[Mapping[str, Any]], lead: User) -> None:
    """Define and agree on the requirements that are not there yet; the deployment decision checks them."""
    there = set(project.requirements.values_list("key", flat=True))
    for wanted in requirements:
        if wanted["key"] in there:
            continue
        requirement = define_requirement(
            project=project,
            key=wanted["key"],
            statement=wanted["statement"],
            metric=wanted["metric"],
            operator=wanted["operator"],
            limit=wanted["limit"],
            slice=wanted["slice"] or "",
            blocking=wanted["blocking"],
            gate="G4",
            actor=lead,
        )
        agree_requirement(requirement=requirement, actor=lead)


def _members(project: Project, people: Mapping[str, User], lead: User) -> None:
    there = dict(project.memberships.values_list("user__username", "crisp_roles"))
    for part in CAST:
        user = people[part.username]
        if not part.role or part.org_role == User.OrgRole.AUDITOR:
            continue  # nobody's member
        if part.username not in there:
            add_member(project=project, user=user, role=part.role, crisp_roles=part.crisp_roles, actor=lead)
        elif there[part.username] != list(part.crisp_roles):
            change_member(project=project, user=user, crisp_roles=part.crisp_roles, actor=lead)
