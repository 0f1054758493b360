"""What people are told who came to many tasks or handoffs in one step: one notice each."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.models import Handoff, Notice, Project, Task
from lifecycle.services.notices import Occasion, tell_all

_MOST_NAMED = 10


def tell_shares(
    project_id: int, shares: Collection[tuple[int, str, tuple[int, ...]]], key: str, actor_id: int
) -> None:
    """Everybody who came to something in one step, each once: tasks to do, to answer for, to know of, and
    handoffs. 3 queries and those of telling.
    """
    slug = Project.objects.values_list("slug", flat=True).get(pk=project_id)
    names = [
        _named(Task, {pk for _person, duty, ids in shares if duty != "H" for pk in ids}),
        _named(Handoff, {pk for _person, duty, ids in shares if duty == "H" for pk in ids}),
    ]
    occasions = []
    for person in sorted({person for person, _duty, _ids in shares if person != actor_id}):
        mine = {duty: ids for who, duty, ids in shares if who == person}
        text = "\n".join(
            f"{_duty_words(duty, len(ids))}: {_listed([names[duty == 'H'][pk] for pk in ids])}"
            for duty, ids in sorted(mine.items(), key=lambda pair: "RACIH".index(pair[0]))
        )
        url = reverse("lifecycle:project-ownership", args=[slug])
        subject = _shares_subject(mine)
        kind = Notice.Kind.TASK_ASSIGNED
        occasions.append(Occasion([person], kind, subject, url, key, text, project_id))
    tell_all(occasions)


def _named(model: type[Task | Handoff], ids: Collection[int]) -> dict[int, str]:
    return {each.pk: str(each) for each in model.objects.filter(pk__in=ids).order_by()} if ids else {}


def _shares_subject(mine: Mapping[str, tuple[int, ...]]) -> str:
    if "R" in mine:
        count = len(mine["R"])
        return ngettext("You own %d more task now", "You own %d more tasks now", count) % count
    if "H" in mine:
        count = len(mine["H"])
        return ngettext("You hold %d more handoff now", "You hold %d more handoffs now", count) % count
    count = len({pk for ids in mine.values() for pk in ids})
    return (
        ngettext("You have a part in %d more task now", "You have a part in %d more tasks now", count) % count
    )


def _duty_words(duty: str, count: int) -> str:
    return {
        "R": _("To do (%d)"), "A": _("To answer for (%d)"), "C": _("To be asked about (%d)"),
        "I": _("To be told of (%d)"), "H": _("Handoffs to give or take (%d)"),
    }[duty] % count  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return shown if more <= 0 else shown + " " + _("and %d more") % more
