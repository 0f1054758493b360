"""Input of what reviewers do beside deciding. Shape only: what is allowed, the services decide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.forms.exceptions import PersonField
from governance.models import Feedback
from lifecycle.models import User

CHANGES = "changes"


class FeedbackForm(forms.Form):
    """What one thinks of the gate, or of one criterion."""

    prefix = "feedback"
    grade = forms.ChoiceField(label=_("What I think"), widget=forms.RadioSelect)
    about = forms.ChoiceField(label=_("About"), required=False)
    text = forms.CharField(label=_("In words"), required=False, widget=forms.Textarea)

    def __init__(
        self, *args: Any, criteria: Iterable[tuple[str, str]], may_ask_changes: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        grade, about = self.fields["grade"], self.fields["about"]
        assert isinstance(grade, forms.ChoiceField)  # declared above, both
        assert isinstance(about, forms.ChoiceField)
        asked = [(CHANGES, _("Changes needed before anybody approves"))] if may_ask_changes else []
        grade.choices = [*Feedback.Grade.choices, *asked]
        about.choices = [("", _("The whole gate")), *criteria]


class AnswerForm(forms.Form):
    """How a request for changes was answered."""

    answer = forms.CharField(label=_("How it was answered"), widget=forms.Textarea)


class StepBackForm(forms.Form):
    """Abstaining, or letting another one sign instead."""

    prefix = "back"
    to = PersonField(label=_("Who signs instead"), required=False)
    reason = forms.CharField(label=_("Why"), widget=forms.Textarea)

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        to = self.fields["to"]
        assert isinstance(to, PersonField)  # declared above
        to.offer(people)
        to.widget.choices = [("", _("Nobody: I abstain")), *list(to.widget.choices)[1:]]
