"""Input for tasks of gaps. Shape only: the services decide what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.exceptions import PersonField
from governance.queries.control_tasks import Places
from lifecycle.forms.fields import DayField
from lifecycle.models import User


class OpenTaskForm(forms.Form):
    """Who closes a gap, until when, and where in the lifecycle."""

    prefix = "task"
    owner = PersonField(label=_("Owner"))
    due_on = DayField(label=_("Due"))
    place = forms.TypedChoiceField(
        label=_("Where"), help_text=_("A new task is optional: its phase does not wait for it.")
    )

    def __init__(self, *args: Any, people: Iterable[User], places: Places, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner, place = self.fields["owner"], self.fields["place"]
        assert isinstance(owner, PersonField)  # declared above
        assert isinstance(place, forms.TypedChoiceField)
        owner.offer(people)
        records: dict[str, object] = {f"task-{each.pk}": each for each in [*places.usual, *places.others]}
        records |= {f"phase-{each.pk}": each for each in places.phases}
        place.coerce = lambda key: records[key]
        place.choices = [
            (words, choices)
            for words, choices in (
                (_("Where the framework has it done"), [(f"task-{t.pk}", str(t)) for t in places.usual]),
                (_("A new task in"), [(f"phase-{each.pk}", str(each)) for each in places.phases]),
                (_("Another open task"), [(f"task-{t.pk}", str(t)) for t in places.others]),
            )
            if choices
        ]
