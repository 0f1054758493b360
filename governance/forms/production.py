"""The moment that somebody asks about, and where."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy as _

from governance.errors import Invalid
from governance.queries.moments import read_moment
from lifecycle.forms.fields import LongSelect


class MomentForm(forms.Form):
    """A day, perhaps a time of it, and filters. A day alone is asked about at its end, today about now.

    `projects` are slug and name.
    """

    day = forms.DateField(
        label=_("Day, UTC"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    time = forms.TimeField(
        label=_("Time, UTC"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time", "step": "1"}, format="%H:%M:%S"),
    )
    environment = forms.ChoiceField(label=_("Environment"), required=False)
    project = forms.ChoiceField(label=_("Project"), required=False, widget=LongSelect)

    def __init__(
        self,
        *args: object,
        environments: Iterable[str],
        projects: Iterable[tuple[str, str]],
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature is long
        for name, first, rest in (
            ("environment", _("All environments"), [(each, each) for each in environments]),
            ("project", _("All projects"), list(projects)),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # declared above
            field.choices = [("", first), *rest]

    def clean(self) -> dict[str, object]:
        """`at` is the moment asked about."""
        found = super().clean() or {}
        day, time = found.get("day"), found.get("time")
        text = f"{day.isoformat()}T{time.isoformat()}" if day and time else day.isoformat() if day else ""
        if time and not day:
            self.add_error("day", _("Which day?"))
        elif not self.errors:
            try:
                found["at"] = read_moment(text)
            except Invalid as no:
                self.add_error("day", no.text)
        return found
