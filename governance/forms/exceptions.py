"""Input of findings, waivers, conditions and break-glass. Shape only: the services decide what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.models import Finding
from lifecycle.models import ModelVersion, User

_DAY = {"type": "date"}


class PersonField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic for the stubs alone
    """Somebody of the project, from people who were read already."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(User.objects.none(), **kwargs)

    def offer(self, people: Iterable[User]) -> None:
        """Choose among these people. Costs a query only when the form is sent."""
        listed = list(people)
        self.queryset = User.objects.filter(pk__in=[person.pk for person in listed])
        blank = [("", _("nobody yet") if not self.required else _("choose"))]
        self.widget.choices = [*blank, *((person.pk, str(person)) for person in listed)]


class FindingForm(forms.Form):
    """Something that must be put right."""

    title = forms.CharField(label=_("What must be put right"), max_length=300)
    severity = forms.ChoiceField(label=_("Severity"), choices=Finding.Severity.choices, initial="medium")
    holds = forms.BooleanField(label=_("No gate passes while it stands"), required=False)
    owner = PersonField(label=_("Owner"), required=False)
    due_on = forms.DateField(label=_("Due"), required=False, widget=forms.DateInput(attrs=_DAY))
    detail = forms.CharField(label=_("Details"), required=False, widget=forms.Textarea)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _people(self, "owner", people)


class AssignForm(forms.Form):
    """Who puts a finding right, until when."""

    owner = PersonField(label=_("Owner"), required=False)
    due_on = forms.DateField(label=_("Due"), required=False, widget=forms.DateInput(attrs=_DAY))

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _people(self, "owner", people)


class SettlementForm(forms.Form):
    """How it was put right."""

    settlement = forms.CharField(label=_("How it was put right"), widget=forms.Textarea)


class ConditionForm(forms.Form):
    """What has to be done after the pass."""

    prefix = "condition"
    text = forms.CharField(label=_("What has to be done"), widget=forms.Textarea)
    owner = PersonField(label=_("Owner"))
    due_on = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs=_DAY))

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _people(self, "owner", people)


class FulfilForm(forms.Form):
    """What shows that a condition is fulfilled."""

    note = forms.CharField(label=_("What shows it"), widget=forms.Textarea)


class WaiverForm(forms.Form):
    """Why a criterion should be excused, what is done instead, and until when."""

    justification = forms.CharField(label=_("Why it should be excused"), widget=forms.Textarea)
    measure = forms.CharField(label=_("What is done instead"), widget=forms.Textarea)
    expires_on = forms.DateField(label=_("Until"), widget=forms.DateInput(attrs=_DAY))


class GrantForm(forms.Form):
    """The signature under a waiver. The password is never sent back to the page."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)
    password = forms.CharField(
        label=_("Your password, again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label=_("Code of the second factor, if you have one"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class GlassForm(forms.Form):
    """An emergency: what has to go where before a gate can decide."""

    prefix = "glass"
    model_version = forms.ModelChoiceField(ModelVersion.objects.none(), label=_("Model version"))
    environment = forms.CharField(label=_("Environment"), max_length=60, initial="production")
    hours = forms.IntegerField(label=_("For how many hours"), min_value=1, max_value=24, initial=4)
    reason = forms.CharField(label=_("Why it cannot wait for a gate"), widget=forms.Textarea)

    def __init__(self, *args: Any, versions: Iterable[ModelVersion], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["model_version"]
        assert isinstance(field, forms.ModelChoiceField)  # declared above
        field.queryset = versions  # type: ignore[assignment]


def _people(form: forms.Form, name: str, people: Iterable[User]) -> None:
    field = form.fields[name]
    assert isinstance(field, PersonField)  # declared in the forms above
    field.offer(people)
