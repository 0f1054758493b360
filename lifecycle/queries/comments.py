"""Comments on a record, and what was attached to a task."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models
from django.db.models import Prefetch, QuerySet

from ledger.models import subject_type
from lifecycle.models import Attachment, Comment, Evidence, Task, User
from lifecycle.queries.projects import projects_visible_to


@dataclass(frozen=True)
class FileLine:
    """A file of a task, and whether its document is evidence of the task already."""

    attachment: Attachment
    is_evidence: bool


def comments_of(subject: models.Model) -> list[Comment]:
    """What was said about a record, the first first; withdrawn ones too. 2 queries, people included."""
    found = Comment.objects.filter(subject_type=subject_type(subject), subject_id=str(subject.pk))
    people = Prefetch("mentioned", User.objects.order_by("pk"))
    return list(found.select_related("author", "withdrawn_by").prefetch_related(people).order_by("pk"))


def comments_visible_to(user: User) -> QuerySet[Comment]:
    """The comments of all projects that the user sees. 1 query, author and project included."""
    found = Comment.objects.select_related("author", "project")
    return found.filter(project__in=projects_visible_to(user).values("pk"))


def attachments_of(task: Task, evidence: Iterable[Evidence]) -> list[FileLine]:
    """The files of a task, the last one first; `evidence` is the task's. 1 query, people included."""
    found = Attachment.objects.filter(task=task).select_related("snapshot", "uploaded_by")
    proven = {each.snapshot_id for each in evidence}
    return [FileLine(each, each.snapshot_id in proven) for each in found.order_by("-uploaded_at", "-pk")]


def attachments_visible_to(user: User) -> QuerySet[Attachment]:
    """The files of all projects that the user sees. 1 query, task, project and document included."""
    projects = projects_visible_to(user).values("pk")
    return Attachment.objects.filter(task__phase__iteration__project__in=projects).select_related(
        "task__phase__iteration__project", "snapshot"
    )
