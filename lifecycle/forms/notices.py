"""How somebody wants to be told."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _

from lifecycle.models import Notice

GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (
        _("Handoffs"),
        ("handoff_offered", "handoff_returned", "handoff_accepted", "handoff_due", "handoff_overdue"),
    ),
    (
        _("Tasks and evidence"),
        ("task_assigned", "task_due", "task_overdue", "evidence_to_verify", "run_failed"),
    ),
    (_("Risks"), ("risk_ending", "risk_expired")),
    (
        _("Gates and authorizations"),
        ("gate_to_sign", "gate_decided", "authorization_ending", "authorization_stopped"),
    ),
    (_("Compliance"), ("review_due", "incident_due")),
    (
        _("Projects that you manage"),
        ("firing_to_decide", "risk_escalated", "event_reported", "handoff_escalated", "task_escalated"),
    ),
    (_("Everything else"), ("trigger_told", "mention", "account_changed")),
)


class ChannelForm(forms.Form):
    """A channel's name, and what is told there."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("Yours, such as “team chat”. It stands on this page only."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kinds"] = forms.MultipleChoiceField(
            label=_("What is told there"), widget=forms.CheckboxSelectMultiple, choices=_grouped()
        )


class NewChannelForm(ChannelForm):
    """The same with its address, which is never shown again."""

    url = forms.CharField(
        label=_("Address"), max_length=2000, strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_(
            "As apprise writes it, such as slack://… or ntfys://…. It is kept encrypted and not shown again."
        ),
    )  # fmt: skip

    field_order = ("name", "url", "kinds")


def _grouped() -> list[tuple[Any, list[tuple[str, Any]]]]:
    return [(name, [(kind, Notice.Kind(kind).label) for kind in kinds]) for name, kinds in GROUPS]


class WaysForm(forms.Form):
    """One choice for each kind of notice."""

    def __init__(self, *args: Any, ways: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        for kind in Notice.Kind:
            self.fields[kind.value] = forms.ChoiceField(
                label=kind.label, choices=Notice.Way.choices, initial=ways.get(kind.value)
            )

    @property
    def groups(self) -> list[tuple[str, list[BoundField]]]:
        """The fields under their headings."""
        return [(name, [self[kind] for kind in kinds]) for name, kinds in GROUPS]
