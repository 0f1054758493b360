"""Input of the pages of compliance. Shape only: the services decide what is allowed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.compliance.questions import LONGEST, QUESTIONS
from governance.forms.exceptions import PersonField
from governance.models import Framework, Incident, Review
from lifecycle.forms.second_factors import code_field
from lifecycle.models import User

_DAY = {"type": "date"}


def _password() -> forms.CharField:
    return forms.CharField(
        label=_("Your password, again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ClassifyForm(forms.Form):
    """The questions of the classification, and the signature under the answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in QUESTIONS:
            self.fields[question.key] = self._field(question)
        self.fields["password"] = _password()
        self.fields["code"] = code_field()

    def _field(self, question: Any) -> forms.Field:
        if question.options:
            choices = [("", _("choose")), *question.options]
            return forms.ChoiceField(label=question.text, help_text=question.why, choices=choices)
        return forms.CharField(
            label=question.text, help_text=question.why, max_length=LONGEST, widget=forms.Textarea
        )

    @property
    def answers(self) -> dict[str, object]:
        """What was answered, without the signature."""
        return {each.key: self.cleaned_data.get(each.key) for each in QUESTIONS}


class AssureForm(forms.Form):
    """A person's signed word for a control."""

    statement = forms.CharField(label=_("What is so, and how I know"), widget=forms.Textarea)
    link = forms.URLField(label=_("Where it can be seen"), required=False, assume_scheme="https")
    expires_on = forms.DateField(label=_("It holds until"), widget=forms.DateInput(attrs=_DAY))
    password = _password()
    code = code_field()


class UseForm(forms.Form):
    """By which framework a project is measured from now on, and why."""

    framework = forms.ModelChoiceField(Framework.objects.none(), label=_("Framework"))
    reason = forms.CharField(label=_("Reason"), max_length=600)

    def __init__(self, *args: Any, offered: Iterable[Framework], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["framework"]
        assert isinstance(choice, forms.ModelChoiceField)  # declared above
        choice.queryset = offered  # type: ignore[assignment]


class InventoryForm(forms.Form):
    """Who answers for a system, who watches over it, what it may be used for."""

    owner = PersonField(label=_("Owner"))
    deputy = PersonField(label=_("Deputy"), required=False)
    overseer = PersonField(
        label=_("Oversight"), required=False, help_text=_("Watches over it and may stop it.")
    )
    approved_uses = forms.CharField(
        label=_("Approved uses"), widget=forms.Textarea, help_text=_("One a line.")
    )
    review_every_days = forms.IntegerField(label=_("Reviewed every … days"), min_value=1, max_value=1096)
    placed_on_market_on = forms.DateField(
        label=_("On the market since"), required=False, widget=forms.DateInput(attrs=_DAY)
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        listed = list(people)
        for name in ("owner", "deputy", "overseer"):
            choice = self.fields[name]
            assert isinstance(choice, PersonField)  # declared above
            choice.offer(listed)

    def clean_approved_uses(self) -> list[str]:
        """A line each."""
        return [line.strip() for line in str(self.cleaned_data["approved_uses"]).splitlines() if line.strip()]


class ReviewForm(forms.Form):
    """That one looked again, and what came out."""

    kind = forms.ChoiceField(label=_("What"), choices=Review.Kind.choices)
    result = forms.CharField(label=_("What I looked at, and what came out"), widget=forms.Textarea)
    every_days = forms.IntegerField(label=_("Again in … days"), min_value=1, max_value=1096, initial=365)


class IncidentForm(forms.Form):
    """Harm that the system did, or nearly did."""

    title = forms.CharField(label=_("What happened"), max_length=300)
    severity = forms.ChoiceField(label=_("How grave"), choices=Incident.Severity.choices)
    aware_at = forms.DateTimeField(
        label=_("Known here since"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    detail = forms.CharField(label=_("Details"), required=False, widget=forms.Textarea)


class ReportForm(forms.Form):
    """That the authority has been told."""

    report = forms.CharField(label=_("To whom, under which number"), widget=forms.Textarea)


class CloseForm(forms.Form):
    """How an incident came about, what was done, and what the look at the risks came to."""

    root_cause = forms.CharField(label=_("Cause"), widget=forms.Textarea)
    action = forms.CharField(label=_("What was done"), widget=forms.Textarea)
    risks_seen = forms.CharField(label=_("What the look at the risks came to"), widget=forms.Textarea)


class FrameworkFileForm(forms.Form):
    """A framework in a file: our own form in YAML, or an OSCAL catalog or profile."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "YAML in the form of docs/compliance.md, or an OSCAL catalog or profile; at most 16 MiB."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml,.json"}),
    )
    key = forms.SlugField(
        label=_("Key"), required=False, max_length=60,
        help_text=_("For a catalog or profile: what it is called here. Leave it empty to take its title."),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("What it is"), required=False, choices=[("", _("as the file says")), *Framework.Kind.choices],
    )  # fmt: skip


class SinceForm(forms.Form):
    """The day from which changes are shown."""

    since = forms.DateField(
        label=_("Since"), required=False, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d")
    )
