"""What people fill in on the pages of tasks, phases and iterations."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from lifecycle.definitions import RiskCategory
from lifecycle.forms.fields import DayField, PeopleForm, RecordField
from lifecycle.models import Evidence, Run, TaskDuty

_CATEGORIES = [(each.value, each.value.capitalize()) for each in RiskCategory]
_SCORES = [(number, str(number)) for number in range(1, 6)]


class AssignForm(PeopleForm):
    """Who does a task, who answers for it, until when; what is left empty stays as it is."""

    people_fields: ClassVar = {
        "owner": (_("Does it"), _("as it is")),
        "accountable": (_("Answers for it"), _("as it is")),
    }
    due_on = DayField(label=_("Due"), required=False)


class DutyForm(PeopleForm):
    """Who is asked and who is told."""

    people_fields: ClassVar = {"user": (_("Person"), "")}
    people_needed = True
    duty = forms.ChoiceField(
        label=_("Duty"), choices=[*TaskDuty.Duty.choices, ("", _("Neither"))], required=False
    )


class NoRisksForm(PeopleForm):
    """State that the risks are named; a second person when there are none."""

    people_fields: ClassVar = {"none_statement_by": (_("Second person who finds none"), _("there are risks"))}


class AddRiskForm(forms.Form):
    text = forms.CharField(label=_("What may go wrong"), max_length=600)
    category = forms.ChoiceField(label=_("Kind"), choices=_CATEGORIES)


class AssessForm(forms.Form):
    """How bad, how likely."""

    severity = forms.TypedChoiceField(
        label=_("Severity"), choices=_SCORES, coerce=int, help_text=_("1 hardly felt, 5 the worst")
    )
    occurrence = forms.TypedChoiceField(
        label=_("Occurrence"), choices=_SCORES, coerce=int, help_text=_("1 hardly ever, 5 almost surely")
    )


class AcceptForm(forms.Form):
    """Above the appetite both are needed."""

    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    until = DayField(label=_("Accepted until"), required=False)


class MeasureForm(forms.Form):
    """A method of the process against a risk."""

    method = forms.ChoiceField(label=_("Method"))

    def __init__(self, *args: Any, methods: Sequence[tuple[str, str]] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["method"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(key, f"{key} {name}") for key, name in methods]
        self._names = dict(methods)

    @property
    def method_name(self) -> str:
        """The chosen method in words."""
        return self._names[self.cleaned_data["method"]]


class PerformerForm(PeopleForm):
    people_fields: ClassVar = {"performer": (_("Who carries it out"), "")}
    people_needed = True


class FinishForm(forms.Form):
    """What a measure came to, and the risk after it."""

    result = forms.ChoiceField(
        label=_("Result"),
        choices=[("passed", _("Passed")), ("failed", _("Failed")), ("inconclusive", _("Inconclusive"))],
    )
    severity = forms.TypedChoiceField(label=_("Severity now"), choices=_SCORES, coerce=int)
    occurrence = forms.TypedChoiceField(label=_("Occurrence now"), choices=_SCORES, coerce=int)
    note = forms.CharField(label=_("Note"), required=False, max_length=2000)

    def __init__(self, *args: Any, evidence: Sequence[Evidence] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["evidence"] = RecordField(
            evidence,
            label=_("Evidence"),
            label_of=lambda each: f"{each.snapshot.kind} {each.snapshot.title}",
        )


class AttachRunForm(forms.Form):
    """A finished run of the iteration."""

    def __init__(self, *args: Any, runs: Sequence[Run] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["run"] = RecordField(runs, label=_("Finished run"))


class DocumentForm(forms.Form):
    """A review or a document, written here."""

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("REV", _("Review (REV)")), ("DOC", _("Document (DOC)"))]
    )
    title = forms.CharField(label=_("Title"), max_length=300)
    text = forms.CharField(
        label=_("Text"), max_length=100_000, widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("What was looked at, what was found, what follows."),
    )  # fmt: skip


class IterationForm(forms.Form):
    """A new trip round the cycle."""

    title = forms.CharField(label=_("Title"), max_length=300)
    reason = forms.CharField(label=_("Why now"), max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))
    start_phase = forms.ChoiceField(
        label=_("Begins at"), help_text=_("Phases before it are inherited from the iteration before.")
    )

    def __init__(self, *args: Any, phases: Sequence[tuple[str, str]] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["start_phase"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(key, f"{key} {name}") for key, name in phases]
