"""What a person holds that somebody has to go on with when they leave."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Q, QuerySet

from lifecycle.models import Handoff, Iteration, Membership, Project, QualityAction, Task, User
from lifecycle.queries.projects import DONE, OPEN_HANDOFFS

_MEASURES = (QualityAction.State.SELECTED, QualityAction.State.RUNNING)


@dataclass(frozen=True)
class OpenWork:
    """Open tasks, handoffs and measures of one person, their memberships, and where nobody else manages."""

    person: User
    tasks: list[Task] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    measures: list[QualityAction] = field(default_factory=list)
    memberships: list[Membership] = field(default_factory=list)
    last_manager_of: list[Project] = field(default_factory=list)

    @property
    def owned(self) -> list[Task]:
        return [task for task in self.tasks if task.owner_id == self.person.pk]

    @property
    def accountable(self) -> list[Task]:
        return [task for task in self.tasks if task.accountable_id == self.person.pk]

    @property
    def given(self) -> list[Handoff]:
        return [handoff for handoff in self.handoffs if handoff.giver_id == self.person.pk]

    @property
    def taken(self) -> list[Handoff]:
        return [handoff for handoff in self.handoffs if handoff.taker_id == self.person.pk]

    @property
    def held(self) -> bool:
        """Whether anything needs a new holder; memberships as such do not."""
        return bool(self.tasks or self.handoffs or self.measures or self.last_manager_of)

    @property
    def projects(self) -> list[Project]:
        """Every project in which something needs a new holder, by name."""
        found = {each.pk: each for each in (*map(project_of, self.tasks), *self.last_manager_of)}
        found |= {each.iteration.project_id: each.iteration.project for each in self.handoffs}
        found |= {project_of(each.risk.task).pk: project_of(each.risk.task) for each in self.measures}
        return sorted(found.values(), key=lambda project: (project.name, project.pk))

    @property
    def roles(self) -> list[str]:
        """The role codes by which the open work can be told apart, in order."""
        codes = {task.role for task in self.tasks} | {each.risk.task.role for each in self.measures}
        codes |= {code for each in self.given for code in each.giver_roles}
        codes |= {code for each in self.taken for code in each.taker_roles}
        return sorted(codes)


def open_work_of(person: User, project: Project | None = None, *, lock: bool = False) -> OpenWork:
    """All that a person holds in open iterations of active projects, or in one project. 5 queries.

    `lock` holds the rows of tasks, handoffs and measures until the transaction ends.
    """
    tasks = _tasks(person, project)
    handoffs = _handoffs(person, project)
    measures = _measures(person, project)
    if lock:
        tasks, handoffs = tasks.select_for_update(of=("self",)), handoffs.select_for_update(of=("self",))
        measures = measures.select_for_update(of=("self",))
    memberships = (
        Membership.objects.filter(user=person, left_at__isnull=True)
        .select_related("project__process_version")
        .defer("project__process_version__document")
    )
    mine = [each for each in memberships if project is None or each.project_id == project.pk]
    return OpenWork(
        person=person,
        tasks=list(tasks.order_by("pk")),
        handoffs=list(handoffs.order_by("pk")),
        measures=list(measures.order_by("pk")),
        memberships=mine,
        last_manager_of=_managed_alone(mine),
    )


def project_of(task: Task) -> Project:
    """The project of a task that was read with its phase and iteration."""
    return task.phase.iteration.project


def tasks_held(person: User) -> QuerySet[Task]:
    """What the person is to do or to answer for, in open iterations of active projects."""
    return Task.objects.filter(
        Q(owner=person) | Q(accountable=person),
        phase__iteration__state=Iteration.State.OPEN,
        phase__iteration__project__state=Project.State.ACTIVE,
    ).exclude(state__in=DONE)


def handoffs_held(person: User) -> QuerySet[Handoff]:
    """What the person gives or takes there."""
    return Handoff.objects.filter(
        Q(giver=person) | Q(taker=person),
        state__in=OPEN_HANDOFFS,
        iteration__state=Iteration.State.OPEN,
        iteration__project__state=Project.State.ACTIVE,
    )


def measures_held(person: User) -> QuerySet[QualityAction]:
    """The measures that the person carries out there."""
    return QualityAction.objects.filter(
        performer=person,
        state__in=_MEASURES,
        risk__task__phase__iteration__state=Iteration.State.OPEN,
        risk__task__phase__iteration__project__state=Project.State.ACTIVE,
    )


def _tasks(person: User, project: Project | None) -> QuerySet[Task]:
    found = tasks_held(person)
    found = found.filter(phase__iteration__project=project) if project else found
    return found.select_related("phase__iteration__project__process_version", "owner", "accountable").defer(
        "phase__iteration__project__process_version__document"
    )


def _handoffs(person: User, project: Project | None) -> QuerySet[Handoff]:
    found = handoffs_held(person)
    found = found.filter(iteration__project=project) if project else found
    return found.select_related("iteration__project__process_version", "giver", "taker").defer(
        "iteration__project__process_version__document"
    )


def _measures(person: User, project: Project | None) -> QuerySet[QualityAction]:
    found = measures_held(person)
    found = found.filter(risk__task__phase__iteration__project=project) if project else found
    return found.select_related("risk__task__phase__iteration__project__process_version").defer(
        "risk__task__phase__iteration__project__process_version__document"
    )


def _managed_alone(memberships: Iterable[Membership]) -> list[Project]:
    """The active projects of these managers that have no other active manager. 1 query."""
    managed = {
        each.project_id: each
        for each in memberships
        if each.role == Membership.Role.MANAGER and each.project.state == Project.State.ACTIVE
    }
    others = Membership.objects.filter(
        project__in=managed, role=Membership.Role.MANAGER, left_at__isnull=True, user__is_active=True
    ).exclude(pk__in=[each.pk for each in managed.values()])
    covered = set(others.values_list("project_id", flat=True).order_by())
    return [each.project for key, each in managed.items() if key not in covered]
