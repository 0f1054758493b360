"""The moment that somebody asks about, and where."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from governance.errors import Invalid
from lifecycle.models import Project


def read_moment(text: str) -> dt.datetime:
    """A moment as an API caller writes it; empty is now, a day alone its end, a time without a zone is UTC.

    Raises `Invalid` (`moment_unreadable`, `moment_in_future`, `moment_too_early`).
    """
    text, now = text.strip(), timezone.now()
    if not text:
        return now
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return _in_time(_moment(text), now)
    if day > now.astimezone(dt.UTC).date():
        raise Invalid("moment_in_future", _("That day has not come yet."), "at")
    return _in_time(min(end_of(day), now), now)


def end_of(day: dt.date) -> dt.datetime:
    """The last moment of a day in UTC."""
    return dt.datetime.combine(day, dt.time.max, tzinfo=dt.UTC)


def _moment(text: str) -> dt.datetime:
    try:
        # A plus sign that nobody has escaped arrives as a space.
        found = dt.datetime.fromisoformat(text.replace(" ", "+") if text.count(":") > 2 else text)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        problem = _("Write a day or a moment as in 2026-11-27 or 2026-11-27T14:00:00Z.")
        raise Invalid("moment_unreadable", problem, "at") from error


def _in_time(moment: dt.datetime, now: dt.datetime) -> dt.datetime:
    if moment > now:
        raise Invalid("moment_in_future", _("That moment has not come yet."), "at")
    if moment.year < 1990:
        raise Invalid("moment_too_early", _("Nothing is known of a time before 1990."), "at")
    return moment


class MomentForm(forms.Form):
    """A day, perhaps a time of it, and filters. A day alone is asked about at its end, today about now."""

    day = forms.DateField(
        label=_("Day, UTC"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    time = forms.TimeField(
        label=_("Time, UTC"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time", "step": "1"}, format="%H:%M:%S"),
    )
    environment = forms.ChoiceField(label=_("Environment"), required=False)
    project = forms.ChoiceField(label=_("Project"), required=False)

    def __init__(
        self, *args: object, environments: Iterable[str], projects: Iterable[Project], **kwargs: object
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature is long
        for name, first, rest in (
            ("environment", _("All environments"), [(each, each) for each in environments]),
            ("project", _("All projects"), [(each.slug, each.name) for each in projects]),
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
