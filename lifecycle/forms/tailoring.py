"""What people fill in on the pages of tailoring and moving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.definitions import EvidenceKind, RiskCategory
from lifecycle.forms.fields import DayField, ReasonForm, RecordField
from lifecycle.models import Phase, Task

_CATEGORIES = [(each.value, each.value.capitalize()) for each in RiskCategory]
_KINDS = [(each.value, f"{each.name.replace('_', ' ').capitalize()} ({each.value})") for each in EvidenceKind]


class ExtraTaskForm(forms.Form):
    """A task that the process does not have."""

    name = forms.CharField(
        label=_("Task"), max_length=300, widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"})
    )
    summary = forms.CharField(
        label=_("What is to be done"), max_length=10_000, required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )  # fmt: skip
    role = forms.ChoiceField(label=_("Role that does it"))
    evidence_kinds = forms.MultipleChoiceField(
        label=_("Proven by"), choices=_KINDS, widget=forms.CheckboxSelectMultiple
    )
    mandatory = forms.BooleanField(
        label=_("The phase does not pass without it"), required=False, initial=True
    )
    due_on = DayField(label=_("Due"), required=False)

    def __init__(
        self, *args: Any, phases: Sequence[Phase] = (), roles: Sequence[tuple[str, str]] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.fields["phase"] = RecordField(phases, label=_("Phase"))
        role = self.fields["role"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(code, f"{code} {name}") for code, name in roles]
        self.order_fields(["name", "phase", *self.fields])


class OfTaskForm(forms.Form):
    """A form that begins with the choice of a task."""

    def __init__(self, *args: Any, tasks: Sequence[Task] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["task"] = RecordField(tasks, label=_("Task"))
        self.order_fields(["task", *self.fields])


class ExtraRiskForm(OfTaskForm):
    """A risk that the process does not name."""

    text = forms.CharField(
        label=_("What may go wrong"), max_length=600,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )  # fmt: skip
    category = forms.ChoiceField(label=_("Kind"), choices=_CATEGORIES)


class ExclusionForm(OfTaskForm, ReasonForm):
    """Which task does not apply, and why."""


class MoveForm(ReasonForm):
    """Why a project moves to another version; the version that it was to be moved from goes along."""

    seen = forms.IntegerField(widget=forms.HiddenInput)
