"""A form that shows every kind of field on the page of components; it is never sent."""

from django import forms
from django.utils.translation import gettext_lazy as _


class SampleForm(forms.Form):
    name = forms.CharField(label=_("Name"), help_text=_("As it shall stand in the report."))
    limit = forms.DecimalField(label=_("Limit"), required=False)
    operator = forms.ChoiceField(label=_("Side"), choices=[(">=", _("at least")), ("<=", _("at most"))])
    reason = forms.CharField(label=_("Reason or condition"), required=False, widget=forms.Textarea)
    meaning = forms.ChoiceField(
        label=_("My signature means"),
        choices=[("approve", _("Approve")), ("reject", _("Reject")), ("acknowledge", _("Acknowledge"))],
        widget=forms.RadioSelect,
    )
    confirm = forms.BooleanField(label=_("I have read what I sign"))
