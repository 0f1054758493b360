"""How readers sort lists: heads to click, a choice for narrow windows, a value that filters keep.

Part of the tags `gatebook`. The order itself is `lifecycle/sorting.py`.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.http import HttpRequest
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from lifecycle.sorting import Sorting
from lifecycle.templatetags.marks import icon

register = template.Library()
_PLACE = ("page", "cursor")


@register.simple_tag(takes_context=True)
def sort_head(context: Context, sorting: Sorting, name: str, words: str, css: str = "") -> SafeString:
    """The head of a column: a link that sorts by it, and says how the list is sorted now."""
    here = sorting.by == name
    way = ("descending" if sorting.down else "ascending") if here else ""
    glyph = "sort-down" if sorting.down else "sort-up"
    return format_html(
        '<th scope="col" role="columnheader"{}{}><a class="sort" href="{}">{}{}</a></th>',
        format_html(' class="{}"', css) if css else "",
        format_html(' aria-sort="{}"', way) if way else "",
        _address(context, sorting, sorting.next_value(name)),
        words,
        icon(glyph if here else "sort", css="" if here else "faint"),
    )


@register.inclusion_tag("components/sort_choice.html", takes_context=True)
def sort_choice(context: Context, sorting: Sorting, *pairs: str, always: bool = False) -> dict[str, Any]:
    """The same as a choice, for lists without heads: pairs of column and name. Narrow windows only, unless
    `always`.
    """
    request = context.get("request")
    choices = []
    for name, words in zip(pairs[::2], pairs[1::2], strict=True):
        up, down = (name, _("%s, upwards") % words), (f"-{name}", _("%s, downwards") % words)
        choices += [down, up] if name in sorting.first_down else [up, down]
    kept = _kept(request, sorting) if isinstance(request, HttpRequest) else []
    return {"sorting": sorting, "choices": choices, "kept": kept, "always": always}


@register.simple_tag
def sort_kept(sorting: Sorting) -> SafeString:
    """What a filter's form carries along, so that filtering keeps the order."""
    if not sorting.value:
        return SafeString("")
    return format_html('<input type="hidden" name="{}" value="{}">', sorting.param, sorting.value)


def _address(context: Context, sorting: Sorting, value: str) -> str:
    request = context.get("request")
    if not isinstance(request, HttpRequest):
        return f"?{sorting.param}={value}"
    query = request.GET.copy()
    for name in (*_PLACE, sorting.param):
        query.pop(name, None)
    if value:
        query[sorting.param] = value
    return f"?{query.urlencode()}"


def _kept(request: HttpRequest, sorting: Sorting) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, values in request.GET.lists()
        if name not in (*_PLACE, sorting.param)
        for value in values
    ]
