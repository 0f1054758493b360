"""The page of a task says which controls it is there for, and lets its owner close what is met."""

from django.urls import reverse
from django.utils.translation import gettext as _

from governance.compliance.statuses import Status
from governance.queries.control_tasks import is_gap, open_for_task, words_for
from governance.rules.gates import may_manage
from lifecycle.models import Task, User
from lifecycle.rules.projects import can_take_part
from lifecycle.task_purposes import Purpose, register


def controls(task: Task, user: User) -> list[Purpose]:
    """The controls whose gaps are closed in this task. 1 query, 1 more for who may where there are any."""
    found = list(open_for_task(task))
    if not found:
        return []
    home = found[0].project
    may = may_manage(user, home) or (task.owner_id == user.pk and can_take_part(user, home))
    lines = []
    for each in found:
        status: str | None = vars(each)["status"]
        closable = may and status is not None and not is_gap(status)
        lines.append(
            Purpose(
                title=each.label,
                url=reverse("governance:control", args=[home.slug, each.framework_key, each.control])
                if status is not None
                else reverse("governance:project-compliance", args=[home.slug]),
                state=status or "ended",
                label=str(Status(status).label) if status else _("Out of use"),
                note=words_for(each, status),
                act_url=reverse("governance:control-task-act", args=[each.pk, "close"]) if closable else "",
                act=_("Close the gap") if closable else "",
            )
        )
    return lines


register("governance.controls", controls)
