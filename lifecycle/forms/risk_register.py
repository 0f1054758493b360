"""What people fill in on the risk register."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.forms.fields import DayField, RecordField
from lifecycle.forms.work import AcceptForm, AddRiskForm
from lifecycle.models import Phase, Task


class OwnRiskForm(AddRiskForm):
    """A risk that the process does not name, at the task where it belongs."""

    def __init__(self, *args: Any, tasks: Sequence[Task] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["task"] = RecordField(
            tasks, label=_("Task"), label_of=lambda task: f"{task.key} {task.name}"
        )
        self.order_fields(["task", "text", "category"])


class BearForm(AcceptForm):
    """Accept what is above the appetite: why, and until when."""

    def __init__(self, *args: Any, needed: bool = True, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            field.required = needed


class DecideForm(forms.Form):
    """The ways out of a risk that measures do not lower."""

    choice = forms.ChoiceField(
        label=_("Decision"),
        choices=[
            ("accept", _("Accept it until a date")),
            ("reopen", _("Redefine: go back to an earlier phase")),
            ("hold", _("Hold the phase")),
            ("stop", _("Stop the phase")),
        ],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Reason"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))
    until = DayField(label=_("Accepted until"), required=False, help_text=_("Only if it is accepted."))

    def __init__(self, *args: Any, phases: Sequence[Phase] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["phase"] = RecordField(
            phases,
            label=_("Phase to go back to"),
            required=False,
            help_text=_("Only if an earlier one is opened again."),
        )
        self.order_fields(["choice", "reason", "until", "phase"])
