"""The form of a trigger. What a condition or a cron line comes to is said while it is typed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lifecycle.definitions import TriggerKind
from lifecycle.forms.process_fields import ParamsField, TextField
from lifecycle.models import Trigger

MOST_HOURS = 8784
MOST_WINDOWS = 12


class FiniteParamsField(ParamsField):
    """As in processes; numbers that JSON cannot hold are refused."""

    def clean(self, value: Any) -> Any:
        found = super().clean(value)
        for name, each in found.items():
            if isinstance(each, float) and not math.isfinite(each):
                raise ValidationError(_("“%(name)s” is not a finite number.") % {"name": name})
        return found


class TriggerForm(forms.Form):
    """Everything that a manager changes of a trigger. `asks` is where htmx has things checked."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=300, widget=forms.TextInput(attrs={"dir": "auto"})
    )
    condition = TextField(
        label=gettext_lazy("Condition"), required=False, max_length=4000,
        help_text=gettext_lazy("CEL over event and params; empty means always."),
    )  # fmt: skip
    params = FiniteParamsField(
        label=gettext_lazy("Parameters"), required=False, max_length=4000,
        help_text=gettext_lazy('One a line: share = 0.3. For schedules also timezone = "Europe/Berlin".'),
    )  # fmt: skip
    schedule = forms.CharField(
        label=gettext_lazy("Cron line"), required=False, max_length=100,
        help_text=gettext_lazy("Minute, hour, day of month, month, day of week; only for schedules."),
    )  # fmt: skip
    cooldown_hours = forms.IntegerField(
        label=gettext_lazy("Quiet for hours after it fired"), min_value=0, max_value=MOST_HOURS
    )
    consecutive = forms.IntegerField(
        label=gettext_lazy("In so many windows running"), min_value=1, max_value=MOST_WINDOWS, initial=1,
        required=False,
        help_text=gettext_lazy("One bad window may be chance: 2 waits for the next one."),
    )  # fmt: skip
    mode = forms.ChoiceField(label=gettext_lazy("Who starts it"), choices=Trigger.Mode.choices)
    action = forms.ChoiceField(label=gettext_lazy("Then"), choices=Trigger.Action.choices)
    target_phase = forms.ChoiceField(label=gettext_lazy("Phase"), required=False)
    enabled = forms.BooleanField(label=gettext_lazy("It is on"), required=False)

    def __init__(
        self, *args: Any, phases: Sequence[tuple[str, str]] = (), asks: str = "", kind: str = "",
        kept: Mapping[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **options)
        self.kept = dict(kept or {})
        target = self.fields["target_phase"]
        assert isinstance(target, forms.ChoiceField)
        target.choices = [("", "–"), *((key, f"{key} {name}") for key, name in phases)]
        for name in ("condition", "schedule"):
            self.fields[name].widget.attrs |= _asking(asks, name)
        if kind and kind != TriggerKind.SCHEDULE:
            del self.fields["schedule"]

    def clean_consecutive(self) -> int:
        """What was typed; if nothing was, it stays as it is, and 1 for a new trigger."""
        given: int | None = self.cleaned_data["consecutive"]
        if given is None:
            given = int(self.get_initial_for_field(self.fields["consecutive"], "consecutive"))
        return given

    def clean_params(self) -> dict[str, Any]:
        """What was typed, and lists and objects that a line cannot hold, which stay as they are."""
        return {**self.kept, **self.cleaned_data["params"]}


class NewTriggerForm(TriggerForm):
    """A trigger of the project's own: with a key and a kind, and on from the start."""

    key = forms.CharField(
        label=gettext_lazy("Key"), max_length=20, help_text=gettext_lazy("Such as X-01; it stays for ever.")
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Listens to"),
        choices=[(each.value, each.value.replace("_", " ").capitalize()) for each in TriggerKind],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["enabled"]
        self.order_fields(["key", "kind", "name"])


def lines_and_rest(params: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Params that fit on a line each, and those that do not."""
    plain = {name: each for name, each in params.items() if isinstance(each, bool | int | float | str)}
    return plain, {name: each for name, each in params.items() if name not in plain}


def _asking(url: str, name: str) -> dict[str, str]:
    """Lets htmx ask while somebody types; the answer goes into the element after the field."""
    return {
        "class": "code", "spellcheck": "false", "dir": "ltr", "autocomplete": "off", "hx-post": url,
        "hx-trigger": "input changed delay:300ms", "hx-include": "closest form", "hx-sync": "this:replace",
        "hx-target": f"#say-{name}", "hx-swap": "innerHTML",
    }  # fmt: skip
