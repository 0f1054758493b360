"""What a manager fills in on the matrix of ownership."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.forms.fields import DayField, PeopleForm, RecordField
from lifecycle.models import Task, User


class PeopleField(forms.TypedMultipleChoiceField):
    """Several people among those that the page has read already."""

    def __init__(self, people: Sequence[User], **options: Any) -> None:
        by_key = {str(each.pk): each for each in people}
        choices = [(key, str(each)) for key, each in by_key.items()]
        super().__init__(
            choices=choices, coerce=by_key.get, required=False, widget=forms.CheckboxSelectMultiple, **options
        )


class BulkAssignForm(PeopleForm):
    """The people and the date of many tasks at once; what is left empty stays as it is.

    The boxes of the tasks stand in the rows of the matrix and belong to this form by its id.
    """

    catch_all = "owner"
    people_fields: ClassVar = {
        "owner": (_("Does it"), _("as it is")),
        "accountable": (_("Answers for it"), _("as it is")),
    }
    due_on = DayField(label=_("Due"), required=False)

    def __init__(
        self, *args: Any, tasks: Iterable[Task] = (), people: Sequence[User] = (),
        members: Sequence[User] = (), **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, people=people, **options)
        self.fields["consulted"] = PeopleField(members, label=_("Is asked"))
        self.fields["informed"] = PeopleField(members, label=_("Is told"))
        self.fields["tasks"] = forms.TypedMultipleChoiceField(
            label=_("Tasks"),
            choices=[(str(task.pk), task.key) for task in tasks],
            coerce=int,
            error_messages={"required": _("Choose at least one task in the matrix.")},
        )

    @property
    def chosen(self) -> set[str]:
        """The tasks that were ticked, as they were sent."""
        return set(self.data.getlist("tasks")) if self.is_bound and hasattr(self.data, "getlist") else set()


class RoleAssignForm(forms.Form):
    """Every open task of a role to one person."""

    def __init__(
        self, *args: Any, roles: Sequence[tuple[str, str]] = (), people: Sequence[User] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.fields["role"] = forms.ChoiceField(label=_("All open tasks of the role"), choices=roles)
        self.fields["owner"] = RecordField(people, label=_("go to"))
