"""Moments that people ask about, as they write them."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from django.utils.translation import gettext as _

from governance.errors import Invalid


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
