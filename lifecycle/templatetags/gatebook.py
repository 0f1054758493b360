"""The components that a page is made of: `{% load gatebook %}`. docs/design.md shows each in use."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Textarea
from django.http import HttpRequest
from django.template.context import Context
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from lifecycle.figures import Figure, render_figure
from lifecycle.templatetags import marks, sort_heads
from lifecycle.templatetags.states import look_of, state_of

register = template.Library()
for part in (marks, sort_heads):
    register.tags.update(part.register.tags)
    register.filters.update(part.register.filters)


# ---- layout ----


@register.simple_block_tag
def panel(
    content: str,
    title: str = "",
    *,
    id: str = "",  # noqa: A002  # HTML's own word
    note: str = "",
    side: str = "",
    css: str = "",
    body: bool = False,
) -> SafeString:
    """A panel with its head. `note`: quiet text beside it; `side`: markup at the right; `body`: padding."""
    return format_html(
        '<section class="panel {}"{}>{}{}</section>',
        css,
        format_html(' aria-labelledby="{}"', id) if id and title else "",
        _panel_head(title, id, note, side) if title else "",
        format_html('<div class="panel-body">{}</div>', content) if body else content,
    )


def _panel_head(title: str, anchor: str, note: str, side: str) -> SafeString:
    return format_html(
        '<div class="panel-head"><h2{}>{}</h2>{}{}</div>',
        format_html(' id="{}"', anchor) if anchor else "",
        title,
        format_html('<span class="muted">{}</span>', note) if note else "",
        format_html('<span class="push">{}</span>', side) if side else "",
    )


@register.inclusion_tag("components/figures.html")
def figures(*pairs: object) -> dict[str, Any]:
    """Numbers with names: `{% figures 10 "criteria" 1 "waived:waived" %}`, the state before the name."""
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
    pairs = (
        [{"value": n, "label": label, "state": s} for n, label, s in items]
        if isinstance(items, list | tuple)
        else []
    )
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
def tab(
    context: Context,
    text: str,
    names: str,
    *args: object,
    count: object = None,
    exact: bool = False,
    below: object = None,
) -> dict[str, Any]:
    """A link of the bars; marks itself when the reader is there, vanishes without an address.

    `below`: anything true says that the page belongs under this link, whatever its address.
    """
    url = _address(names, args)
    path = getattr(context.get("request"), "path", "")
    inside = bool(below) or (bool(url) and not exact and url != "/" and path.startswith(url))
    return {"text": text, "url": url, "count": count, "here": path == url, "below": inside and path != url}


# ---- forms and lists ----


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, hint: str = "", *, autofocus: bool = False) -> dict[str, Any]:
    """A form's field: label above, help and error below, both named by the control (WCAG 3.3.1)."""
    widget = bound.field.widget
    kind = "line"
    if isinstance(widget, RadioSelect | CheckboxSelectMultiple):
        kind = "choices"
    elif isinstance(widget, CheckboxInput):
        kind = "check"
    attrs: dict[str, Any] = (
        {} if kind != "line" else {"class": f"input {widget.attrs.get('class', '')}".strip()}
    )
    if isinstance(widget, Textarea) and widget.attrs.get("rows") == "10":
        attrs["rows"] = "4"  # ten is Django's default, too much for a reason in a panel
    if autofocus:
        attrs["autofocus"] = True
    return {
        "bound": bound,
        "kind": kind,
        "control": bound.as_widget(attrs=attrs),
        "hint": hint or bound.help_text,
    }


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(
    context: Context,
    page: Page[Any] | None = None,
    older: str = "",
    newer: str = "",
    oldest_first: str = "",
    param: str = "page",
) -> dict[str, Any]:
    """Ways to the next and last pages; keeps the rest of the address. A `Page`, or two cursors.

    `param` is what the address calls the page, for the second list of a page.
    """
    cursors = [("prev", newer, _("Newer")), ("next", older, _("Older"))]
    if oldest_first:
        cursors = [("prev", older, _("Older")), ("next", newer, _("Newer"))]
    ways = [way for way in cursors if way[1]]
    request = context.get("request")
    before = after = ""
    if page is not None and request is not None:
        before = _other_page(request, param, page.previous_page_number()) if page.has_previous() else ""
        after = _other_page(request, param, page.next_page_number()) if page.has_next() else ""
    return {"page": page, "ways": ways, "request": request, "before": before, "after": after}


def _other_page(request: HttpRequest, param: str, number: int) -> str:
    query = request.GET.copy()
    query[param] = str(number)
    return f"?{query.urlencode()}"


@register.simple_tag
def figure(drawing: Figure, css: str = "", *, standalone: bool = False) -> SafeString:
    """A small SVG figure of lifecycle.figures; `standalone` for a PDF, where it carries its own colours."""
    return render_figure(drawing, css=css, standalone=standalone)


@register.filter
def get(mapping: Mapping[Any, Any], key: object) -> object:
    """One value of a mapping by a key that is only known in the template."""
    return mapping.get(key)
