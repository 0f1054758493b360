"""Spans of time in words: `{% load spans %}{{ seconds|span }}`."""

from django import template

from lifecycle.figures.times import span_text

register = template.Library()


@register.filter
def span(seconds: float | None) -> str:
    """The span in its two largest units, such as `3 d 4 h`; a dash for none."""
    return span_text(seconds)


@register.filter
def percent(share: float | None) -> str:
    """A share of 1 as a whole percentage; a dash for none."""
    return "–" if share is None else f"{share:.0%}".replace("%", "\N{NARROW NO-BREAK SPACE}%")
