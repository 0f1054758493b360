"""Template filters of the documents."""

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from reports.documents.measures import Measure, limit_words, number

register = template.Library()


@register.filter
def groups(digest: str) -> SafeString:
    """64 hexadecimal digits in eight groups: lines break between groups, and copying gives no hyphen."""
    return format_html_join(
        "", "<span>{}</span><wbr>", ((digest[i : i + 8],) for i in range(0, len(digest), 8))
    )


@register.filter
def short(digest: str) -> str:
    """First 16 and last 8 digits, where the whole digest stands elsewhere."""
    return f"{digest[:8]} {digest[8:16]} … {digest[-8:]}" if digest else "–"


@register.filter
def head(digest: str) -> str:
    """First 16 digits in two groups."""
    return f"{digest[:8]} {digest[8:16]}" if digest else "–"


@register.filter
def value(measure: Measure) -> str:
    """The measured number with its unit."""
    return number(measure.value, measure.digits, measure.unit)


@register.filter
def limit(measure: Measure) -> str:
    """The limit with its sign."""
    return limit_words(measure.limit, measure.bound, measure.digits, measure.unit) or "–"


@register.filter
def plain_number(amount: float | None) -> str:
    """Three decimals, or a dash."""
    return number(amount)


@register.filter
def cut(text: str, length: int) -> str:
    """At most `length` characters; what is cut stands in full elsewhere in the report."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


@register.filter
def size_class(text: str) -> str:
    """How large a title may be set, so that any length fits on the cover."""
    return (
        "short"
        if len(text) <= 26
        else "medium"
        if len(text) <= 60
        else "long"
        if len(text) <= 140
        else "longest"
    )
