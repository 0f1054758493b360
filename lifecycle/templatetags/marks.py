"""Small marks inside a line: glyphs, states, people, digests, times, numbers; part of the tags `gatebook`."""

import datetime as dt
from typing import Any

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.models import Snapshot
from lifecycle.templatetags.states import look_of, state_of, word_for
from lifecycle.zones import readers_zone

register = template.Library()
NARROW_SPACE = "\u202f"
SOON = dt.timedelta(days=2)


@register.simple_tag
def icon(name: str, *, large: bool = False, css: str = "") -> SafeString:
    """A glyph of the sprite, hidden from screen readers: the word stands beside it."""
    classes = " ".join(part for part in ("ico", "ico--lg" if large else "", css) if part)
    return format_html('<svg class="{}" aria-hidden="true"><use href="#g-{}"/></svg>', classes, name)


@register.simple_tag
def mark(subject: object, *, large: bool = False, glyph: str = "", machine: str = "") -> SafeString:
    """The coloured shape of a state without its word, as the first column of a queue has it."""
    kind, value, _word = state_of(subject)
    look = look_of(value, machine or kind)
    return format_html('<span class="mark {}">{}</span>', look.css, icon(glyph or look.glyph, large=large))


@register.simple_tag
def state(
    subject: object, label: str = "", *, box: bool = False, machine: str = "", glyph: str = ""
) -> SafeString:
    """A state as shape, word, colour. `subject`: a record, a choice, or the identifier."""
    kind, value, word = state_of(subject)
    look = look_of(value, machine or kind)
    classes = f"state {'state--box ' if box else ''}{look.css}"
    return format_html('<span class="{}">{}{}</span>', classes, icon(glyph or look.glyph), label or word)


@register.simple_tag
def source(snapshot: Snapshot | None, *, always: bool = False) -> SafeString:
    """What became of the source of a snapshot, as a link to the difference; nothing while it is unchanged.

    `always` shows the unchanged state too.
    """
    if snapshot is None or (snapshot.source_state == "same" and not always):
        return SafeString("")
    label = str(snapshot.get_source_state_display())
    shown = state(snapshot.source_state, label, machine="source")
    if snapshot.source_state == "same":
        return shown
    return format_html(
        '<a class="source-mark" href="{}">{}</a>', reverse("lifecycle:snapshot", args=[snapshot.pk]), shown
    )


@register.filter
def state_class(subject: object, machine: str = "") -> str:
    """The class of a state (`is-ok`, `is-bad` ...) for a row, a panel head or a list item."""
    kind, value, _word = state_of(subject)
    return look_of(value, machine or kind).css


@register.inclusion_tag("components/risk.html")
def risk(level: str) -> dict[str, Any]:
    """A risk class as one, two or three bars and its word."""
    bars = {"minimal": 1, "low": 1, "limited": 2, "medium": 2, "high": 3, "unacceptable": 3}.get(
        str(level), 1
    )
    words = {"minimal": _("Minimal risk"), "limited": _("Limited risk"), "high": _("High risk")}
    return {"bars": bars, "word": words.get(str(level)) or word_for(str(level))}


# ---- people, digests, times ----


def _initials(name: str) -> str:
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper() or "?"


@register.inclusion_tag("components/person.html")
def person(user: object, me: object = None, role: str = "", *, pic: bool = True) -> dict[str, Any]:
    """A person with the round picture; filled when it is the reader. `user`: a user, a name, or None."""
    name = str(user) if user else ""
    return {
        "name": name,
        "initials": getattr(user, "initials", None) or _initials(name),
        "is_me": bool(user) and user == me,
        "role": role,
        "pic": pic,
    }


@register.simple_tag
def digest(value: str, *, block: bool = False, length: int = 12, prefix: str = "") -> SafeString:
    """A digest: short, the first four digits bold, the whole in the title; `block`: whole, in groups."""
    text = str(value or "")
    if not text:
        return format_html('<span class="faint">{}</span>', _("none"))
    if block:
        groups = " ".join(text[i : i + 8] for i in range(0, len(text), 8))
        return format_html(
            '<samp class="digest digest--block"><b>{}</b>{}<b>{}</b></samp>',
            groups[:8],
            groups[8:-8],
            groups[-8:],
        )
    return format_html(
        '<span class="digest" title="{}">{}<b>{}</b>{}</span>', text, prefix, text[:4], text[4:length]
    )


@register.simple_tag
def when(moment: dt.datetime | dt.date | None, style: str = "minute") -> SafeString:
    """A moment in the reader's zone: "16 Nov 16:05"; another year is named, UTC stands in the title.

    `style`: minute, second or day.
    """
    if moment is None:
        return format_html('<span class="faint">{}</span>', _("never"))
    here = moment
    if isinstance(moment, dt.datetime):
        moment = moment.astimezone(dt.UTC)
        here = moment.astimezone(readers_zone())
    day = date_format(here, "j M" if here.year == timezone.now().year else "j M Y", use_l10n=False)
    if style == "day" or not isinstance(here, dt.datetime):
        text = day
    else:
        text = f"{day} {here:%H:%M:%S}" if style == "second" else f"{day} {here:%H:%M}"
    title = f"{moment:%Y-%m-%d %H:%M:%S} UTC" if isinstance(moment, dt.datetime) else moment.isoformat()
    iso = moment.isoformat(timespec="seconds") if isinstance(moment, dt.datetime) else moment.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', iso.replace("+00:00", "Z"), title, text)


@register.simple_tag
def due(date: dt.date | dt.datetime | None, *, done: bool = False) -> SafeString:
    """When something is due: quiet, warning two days before, red with the days over after."""
    if date is None:
        return format_html('<span class="faint">{}</span>', _("no date"))
    day = date.date() if isinstance(date, dt.datetime) else date
    left = day - timezone.now().date()
    text = date_format(day, "j M", use_l10n=False)
    if done:
        return format_html(
            '<span class="due is-idle"><time datetime="{}">{}</time></span>', day.isoformat(), text
        )
    if left.days < 0:
        over = ngettext("%(days)d day over", "%(days)d days over", -left.days) % {"days": -left.days}
        return format_html(
            '<span class="due is-bad"><time datetime="{}" title="{}">{}</time></span>',
            day.isoformat(),
            text,
            over,
        )
    css = "is-warn" if left <= SOON else "is-idle"
    return format_html(
        '<span class="due {}"><time datetime="{}">{}</time></span>', css, day.isoformat(), _("due %s") % text
    )


@register.filter
def thin(number: object) -> str:
    """A whole number with a narrow space between thousands: 18 442. Anything else unchanged."""
    if isinstance(number, bool) or not isinstance(number, int):
        return "" if number is None else str(number)
    return f"{number:,}".replace(",", NARROW_SPACE)


@register.filter
def sig(number: object, digits: int = 3) -> str:
    """A measured number with so many digits after the point, without locale; "none" when there is none."""
    if number is None or number == "":
        return _("none")
    if isinstance(number, bool) or not isinstance(number, int | float):
        return str(number)
    return thin(number) if isinstance(number, int) else f"{number:.{digits}f}"
