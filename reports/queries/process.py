"""The process that a project follows, its people, and who answers for what."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from lifecycle.models import Membership, ProcessVersion, Project, Task
from reports.documents import Duty, GateDefinition, HandoffDefinition, Person, PhaseDefinition, Process
from reports.queries.moment import Moment, phase_number


def process_of(version: ProcessVersion) -> Process:
    """The pinned process version. No query once the version and its process are there."""
    document: Mapping[str, Any] = version.document
    roles = role_names(version)
    return Process(
        name=version.process.name,
        version=str(version.number),
        digest=version.digest,
        published_at=version.published_at,
        phases=tuple(_phases(document)),
        handoffs=tuple(
            HandoffDefinition(
                code=each["key"],
                title=each["name"],
                giver=_roles(each["givers"], roles),
                taker=_roles(each["takers"], roles),
            )
            for each in document.get("handoffs", [])
        ),
        gates=tuple(
            GateDefinition(
                code=each["key"],
                title=each["name"],
                question=each["question"],
                criteria=len(each["criteria"]),
                signatures=int(each["signatures"].get("required", 1)),
            )
            for each in document.get("gates", [])
        ),
    )


def role_names(version: ProcessVersion) -> dict[str, str]:
    """The names of the process's roles by their codes."""
    return {role["code"]: role["name"] for role in version.document.get("roles", [])}


def people_of(project: Project, moment: Moment) -> tuple[Person, ...]:
    """Everybody who belonged to the project by then, by name. 1 query."""
    roles = role_names(project.process_version)
    members = project.memberships.select_related("user").filter(joined_at__lte=moment.at)
    return tuple(
        Person(key=each.user.actor_key, name=str(each.user), roles=_held(each, roles, moment))
        for each in members.order_by("user__name", "pk")
    )


def role_words(member: Membership, roles: Mapping[str, str]) -> tuple[str, ...]:
    """What a person is in the project: the process's roles, or the project's role where there is none."""
    named = tuple(roles.get(code, code) for code in member.crisp_roles)
    return named or (str(member.get_role_display()),)


def duties_of(tasks: Sequence[Task]) -> tuple[Duty, ...]:
    """One duty for each task as the latest iteration that has it says. No query: `duties` is prefetched."""
    latest: dict[str, Task] = {}
    for task in tasks:
        latest[task.key] = task
    ordered = sorted(latest.values(), key=lambda task: (task.phase.order, task.order))
    return tuple(_duty(task) for task in ordered)


def _held(member: Membership, roles: Mapping[str, str], moment: Moment) -> tuple[str, ...]:
    left = moment.seen(member.left_at)
    words = role_words(member, roles)
    return (*words, f"until {left:%-d %b %Y}") if left else words


def _duty(task: Task) -> Duty:
    others: dict[str, list[str]] = defaultdict(list)
    for duty in task.duties.all():
        others[duty.duty].append(f"user:{duty.user_id}")
    return Duty(
        phase=phase_number(task.phase.key),
        work=f"{task.key} {task.name}",
        accountable=(f"user:{task.accountable_id}",) if task.accountable_id else (),
        responsible=(f"user:{task.owner_id}",) if task.owner_id else (),
        consulted=tuple(others["C"]),
        informed=tuple(others["I"]),
    )


def _phases(document: Mapping[str, Any]) -> list[PhaseDefinition]:
    stages = {stage["code"]: stage["name"] for stage in document.get("stages", [])}
    counts = Counter(task["phase"] for task in document["tasks"])
    used: dict[str, dict[str, None]] = defaultdict(dict)
    for task in document["tasks"]:
        if task.get("stage"):
            used[task["phase"]][stages.get(task["stage"], task["stage"])] = None
    return [
        PhaseDefinition(
            number=phase_number(each["key"]),
            name=each["name"],
            stages=tuple(used[each["key"]]),
            tasks=counts[each["key"]],
            gate=each.get("gate") or "",
        )
        for each in document["phases"]
    ]


def _roles(codes: Sequence[str], names: Mapping[str, str]) -> str:
    return ", ".join(names.get(code, code) for code in codes)
