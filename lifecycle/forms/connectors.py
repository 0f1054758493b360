"""What is filled in about connectors and their rules. Secrets go in and never come out."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lifecycle.forms.fields import RecordField
from lifecycle.models import Connector, Project, Run
from lifecycle.services.connector_rules import MOST_TAGS
from lifecycle.services.connectors import LEAST_MINUTES, LEAST_WEBHOOK_SECRET, MOST_MINUTES


def _secret(label: Any, help_text: Any, **more: Any) -> forms.CharField:
    # Never filled in again: what is stored is not sent to a browser.
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=False)
    return forms.CharField(
        label=label, max_length=4000, strip=False, required=False, widget=widget, help_text=help_text, **more
    )


class _Settings(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    url = forms.CharField(
        label=gettext_lazy("Address of the tracker"), max_length=500,
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
        help_text=gettext_lazy("As in https://mlflow.example. A private one needs GATEBOOK_OUTBOUND_ALLOW."),
    )  # fmt: skip
    auth = forms.ChoiceField(label=gettext_lazy("Log-in"), choices=Connector.Auth.choices)
    username = forms.CharField(
        label=gettext_lazy("User name"), max_length=200, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    secret = _secret(
        gettext_lazy("Token or password"),
        gettext_lazy("Kept encrypted and never shown again. Empty: as it was."),
    )
    webhook_secret = _secret(
        gettext_lazy("Secret of the webhooks"),
        gettext_lazy("The one that MLflow signs with. Empty: as it was; without one no webhook is taken."),
        min_length=LEAST_WEBHOOK_SECRET,
    )
    every_minutes = forms.IntegerField(
        label=gettext_lazy("Look for new runs every, minutes"), initial=5, min_value=LEAST_MINUTES,
        max_value=MOST_MINUTES,
    )  # fmt: skip
    full_every_minutes = forms.IntegerField(
        label=gettext_lazy("Look at every run again every, minutes"), initial=60, min_value=LEAST_MINUTES,
        max_value=MOST_MINUTES,
        help_text=gettext_lazy("Finds runs that were edited after they had finished, deleted or restored."),
    )  # fmt: skip


class ConnectorForm(_Settings):
    """A new connector."""

    key = forms.SlugField(
        label=gettext_lazy("Key"), max_length=40, help_text=gettext_lazy("Stands in the webhooks' address.")
    )
    field_order = ("name", "key")


class ChangeConnectorForm(_Settings):
    """The settings of a connector."""

    forget_webhooks = forms.BooleanField(label=gettext_lazy("Take no more webhooks"), required=False)
    enabled = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)


class RuleForm(forms.Form):
    """A rule: which runs, where to."""

    experiment = forms.CharField(
        label=gettext_lazy("Experiment"), max_length=200,
        help_text=gettext_lazy("Its name. * stands for anything, ? for one character."),
    )  # fmt: skip
    tags = forms.CharField(
        label=gettext_lazy("Tags"), required=False, max_length=6000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One a line, as in team=pizza or stage=*. All have to fit."),
    )  # fmt: skip
    run_kind = forms.ChoiceField(label=gettext_lazy("Kind of run"), choices=Run.Kind.choices, initial="TRN")
    task_key = forms.CharField(
        label=gettext_lazy("Task"), required=False, max_length=20,
        help_text=gettext_lazy("Its key in the process, such as 3.5; found in the open iteration."),
    )  # fmt: skip
    proves = forms.BooleanField(
        label=gettext_lazy("Finished runs are evidence of the task"), required=False,
        help_text=gettext_lazy("Given in your name: you can then neither verify it nor sign for it."),
    )  # fmt: skip

    def __init__(self, *args: Any, projects: Sequence[Project] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["project"] = RecordField(projects, label=gettext_lazy("Project"))
        self.order_fields(["experiment", "tags", "project", "run_kind", "task_key", "proves"])

    def clean_tags(self) -> dict[str, str]:
        """Tag to pattern; names the line that is none."""
        found: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["tags"].splitlines(), 1):
            if not line.strip():
                continue
            key, sign, wanted = line.partition("=")
            if not sign or not key.strip() or not wanted.strip():
                raise ValidationError(_("Line %(n)d is not of the form tag=pattern.") % {"n": number})
            found[key.strip()] = wanted.strip()
        if len(found) > MOST_TAGS:
            raise ValidationError(_("At most %(most)d tags are possible.") % {"most": MOST_TAGS})
        return found
