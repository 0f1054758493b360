"""The components that a page is made of: `{% load gatebook %}`. docs/design.md shows each in use."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.template.context import Context
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lifecycle.figures import Figure, render_figure
from lifecycle.templatetags.states import look_of, state_of, word_for

register = template.Library()
NARROW_SPACE = "\u202f"
SOON = datetime.timedelta(days=2)


# ---- small marks ----


@register.simple_tag
def icon(name: str, large: bool = False, css: str = "") -> SafeString:
    """A glyph of the sprite, hidden from screen readers: the word stands beside it."""
    classes = " ".join(part for part in ("ico", "ico--lg" if large else "", css) if part)
    return format_html('<svg class="{}" aria-hidden="true"><use href="#g-{}"/></svg>', classes, name)


@register.simple_tag
def mark(subject: object, large: bool = False, glyph: str = "", machine: str = "") -> SafeString:
    """The coloured shape of a state without its word, as the first column of a queue has it."""
    kind, value, _word = state_of(subject)
    look = look_of(value, machine or kind)
    return format_html('<span class="mark {}">{}</span>', look.css, icon(glyph or look.glyph, large))


@register.simple_tag
def state(subject: object, label: str = "", box: bool = False, machine: str = "", glyph: str = "") -> SafeString:
    """A state as shape, word, colour. `subject`: a record with a state, a choice, or the state's identifier."""
    kind, value, word = state_of(subject)
    look = look_of(value, machine or kind)
    classes = f"state {'state--box ' if box else ''}{look.css}"
    return format_html('<span class="{}">{}{}</span>', classes, icon(glyph or look.glyph), label or word)


@register.filter
def state_class(subject: object, machine: str = "") -> str:
    """The class of a state (`is-ok`, `is-bad` ...) for a row, a panel head or a list item."""
    kind, value, _word = state_of(subject)
    return look_of(value, machine or kind).css


@register.inclusion_tag("components/risk.html")
def risk(level: str) -> dict[str, Any]:
    """A risk class as one, two or three bars and its word."""
    bars = {"minimal": 1, "low": 1, "limited": 2, "medium": 2, "high": 3, "unacceptable": 3}.get(str(level), 1)
    words = {"minimal": _("Minimal risk"), "limited": _("Limited risk"), "high": _("High risk")}
    return {"bars": bars, "word": words.get(str(level)) or word_for(str(level))}


# ---- people, digests, times ----


def _initials(name: str) -> str:
    words = [word for word in name.split() if word[:1].isalnum()]
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper() or "?"


@register.inclusion_tag("components/person.html")
def person(user: object, me: object = None, role: str = "", pic: bool = True) -> dict[str, Any]:
    """A person with the round picture; filled when it is the reader. `user`: a user, a name, or None (nobody)."""
    name = str(user) if user else ""
    return {
        "name": name,
        "initials": getattr(user, "initials", None) or _initials(name),
        "is_me": bool(user) and user == me,
        "role": role,
        "pic": pic,
    }


@register.simple_tag
def digest(value: str, block: bool = False, length: int = 12, prefix: str = "") -> SafeString:
    """A digest: short with its first four digits bold and the whole in the title; `block`: whole, in groups."""
    text = str(value or "")
    if not text:
        return format_html('<span class="faint">{}</span>', _("none"))
    if block:
        groups = " ".join(text[i : i + 8] for i in range(0, len(text), 8))
        return format_html(
            '<samp class="digest digest--block"><b>{}</b>{}<b>{}</b></samp>', groups[:8], groups[8:-8], groups[-8:]
        )
    return format_html(
        '<span class="digest" title="{}">{}<b>{}</b>{}</span>', text, prefix, text[:4], text[4:length]
    )


@register.simple_tag
def when(moment: datetime.datetime | datetime.date | None, style: str = "minute") -> SafeString:
    """A moment in UTC: "16 Nov 16:05"; with the year when it is not this one. `style`: minute, second, day."""
    if moment is None:
        return format_html('<span class="faint">{}</span>', _("never"))
    if isinstance(moment, datetime.datetime):
        moment = moment.astimezone(datetime.UTC)
    day = date_format(moment, "j M" if moment.year == timezone.now().year else "j M Y", use_l10n=False)
    if style == "day" or not isinstance(moment, datetime.datetime):
        text = day
    else:
        text = f"{day} {moment:%H:%M:%S}" if style == "second" else f"{day} {moment:%H:%M}"
    title = f"{moment:%Y-%m-%d %H:%M:%S} UTC" if isinstance(moment, datetime.datetime) else moment.isoformat()
    iso = moment.isoformat(timespec="seconds") if isinstance(moment, datetime.datetime) else moment.isoformat()
    return format_html('<time datetime="{}" title="{}">{}</time>', iso.replace("+00:00", "Z"), title, text)


@register.simple_tag
def due(date: datetime.date | datetime.datetime | None, done: bool = False) -> SafeString:
    """When something is due: quiet, warning two days before, red with the days over after."""
    if date is None:
        return format_html('<span class="faint">{}</span>', _("no date"))
    day = date.date() if isinstance(date, datetime.datetime) else date
    left = day - timezone.now().date()
    text = date_format(day, "j M", use_l10n=False)
    if done:
        return format_html('<span class="due is-idle"><time datetime="{}">{}</time></span>', day.isoformat(), text)
    if left.days < 0:
        over = ngettext("%(days)d day over", "%(days)d days over", -left.days) % {"days": -left.days}
        return format_html(
            '<span class="due is-bad"><time datetime="{}" title="{}">{}</time></span>', day.isoformat(), text, over
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


# ---- layout ----


@register.simple_block_tag
def panel(
    content: str, title: str = "", id: str = "", note: str = "", side: str = "", css: str = "", body: bool = False
) -> SafeString:
    """A panel with its head. `note`: quiet text beside the title; `side`: markup at the right; `body`: padding."""
    return format_html(
        '<section class="panel {}"{}>{}{}</section>',
        css,
        format_html(' aria-labelledby="{}"', id) if id and title else "",
        _panel_head(title, id, note, side) if title else "",
        format_html('<div class="panel-body">{}</div>', content) if body else content,
    )


def _panel_head(title: str, id: str, note: str, side: str) -> SafeString:
    return format_html(
        '<div class="panel-head"><h2{}>{}</h2>{}{}</div>',
        format_html(' id="{}"', id) if id else "",
        title,
        format_html('<span class="muted">{}</span>', note) if note else "",
        format_html('<span class="push">{}</span>', side) if side else "",
    )


@register.inclusion_tag("components/figures.html")
def figures(*pairs: object) -> dict[str, Any]:
    """Numbers with names: `{% figures 10 "met" 1 "waived" %}`; a state before the name gives its shape: `"ok:criteria met"`."""
    items = []
    for value, name in zip(pairs[::2], pairs[1::2], strict=True):
        word, _colon, label = str(name).partition(":")
        items.append({"value": value, "label": label or word, "state": word if label else ""})
    return {"items": items}


@register.inclusion_tag("components/empty.html")
def empty(title: str, text: str = "", url: str = "", action: str = "", glyph: str = "idle") -> dict[str, Any]:
    """What a list says when there is nothing in it, and what the reader may do about it."""
    return {"title": title, "text": text, "url": url, "action": action, "glyph": glyph}


@register.inclusion_tag("components/verdict.html")
def verdict(subject: object, title: str, text: str = "", items: object = None) -> dict[str, Any]:
    """One sentence, one shape, the numbers behind it. `items`: list of (number, name, state or "")."""
    kind, value, _word = state_of(subject)
    pairs = [{"value": n, "label": label, "state": s} for n, label, s in items] if isinstance(items, list) else []
    return {"look": look_of(value, kind), "title": title, "text": text, "items": pairs}


@register.inclusion_tag("components/crumbs.html")
def crumbs(*parts: str) -> dict[str, Any]:
    """The way here: pairs of text and address, and the page's own name last."""
    links = [{"text": text, "url": url} for text, url in zip(parts[:-1:2], parts[1::2], strict=True)]
    return {"links": links, "here": parts[-1] if parts else ""}


def _address(names: str, args: tuple[object, ...]) -> str:
    """The first of the URL names (separated by |) that exists; empty when none does."""
    for name in names.split("|"):
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    return ""


@register.simple_tag
def address(names: str, *args: object) -> str:
    """The first of several URL names that this installation has, or nothing."""
    return _address(names, args)


@register.inclusion_tag("components/link.html", takes_context=True)
def tab(context: Context, text: str, names: str, *args: object, count: object = None, exact: bool = False) -> dict[str, Any]:
    """A link of the top bar or of the tabs; marks itself when the reader is there, vanishes without an address."""
    url = _address(names, args)
    path = getattr(context.get("request"), "path", "")
    below = bool(url) and not exact and url != "/" and path.startswith(url)
    return {"text": text, "url": url, "count": count, "here": path == url, "below": below and path != url}


# ---- forms and lists ----


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "", autofocus: bool = False) -> dict[str, Any]:
    """A form's field: label above, help and error below, both named by the control (WCAG 3.3.1)."""
    widget = bound.field.widget
    kind = "line"
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        kind = "choices"
    elif isinstance(widget, CheckboxInput):
        kind = "check"
    attrs: dict[str, Any] = {} if kind != "line" else {"class": f"input {widget.attrs.get('class', '')}".strip()}
    if autofocus:
        attrs["autofocus"] = True
    return {"bound": bound, "kind": kind, "control": bound.as_widget(attrs=attrs), "hint": hint or bound.help_text}


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any] | None = None, older: str = "", newer: str = "") -> dict[str, Any]:
    """Ways to the next and last pages; keeps the rest of the address. A `Page`, or cursors `older` and `newer`."""
    return {"page": page, "older": older, "newer": newer, "request": context.get("request")}


@register.simple_tag
def figure(drawing: Figure, css: str = "", standalone: bool = False) -> SafeString:
    """A small SVG figure of lifecycle.figures; `standalone` for a PDF, where it carries its own colours."""
    return render_figure(drawing, css=css, standalone=standalone)


@register.filter
def get(mapping: Mapping[Any, Any], key: object) -> object:
    """One value of a mapping by a key that is only known in the template."""
    return mapping.get(key)
