"""What is wrong with the shape of a document or specification, in the reader's language. A leaf.

pydantic finds it and speaks English; each of its kinds of fault has a sentence of ours here, so that every
message goes through gettext. https://docs.pydantic.dev/latest/errors/validation_errors/ lists the kinds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

_SHOWN = 60
_KEY_LIKE = re.compile(r"\[A-Za-z|\[a-z0-9")


def fault_words(fault: Mapping[str, Any]) -> str:
    """One fault of pydantic's `errors(include_url=False)` in words that begin small, without the place."""
    kind, context = str(fault["type"]), dict(fault.get("ctx") or {})
    if kind == "value_error":  # a sentence of our own validators
        return str(context.get("error") or fault["msg"]).removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        return _pattern_words(str(context.get("pattern", "")), fault["input"])
    if kind == "string_type" and isinstance(fault["input"], int | float):
        return _("should be text; put %(value)s in quotes") % {"value": fault["input"]}
    sentence = _sentences().get(kind)
    if sentence is None:
        return _("cannot be read here: %(value)s") % {"value": _shown(fault["input"])}
    if "expected" in context:
        context["expected"] = str(context["expected"]).replace(" or ", ", ")
    return sentence % {**context, "value": _shown(fault["input"])}


def _sentences() -> dict[str, str]:
    number = _("should be a number, not %(value)s")
    whole = _("should be a whole number, not %(value)s")
    yes_no = _("should be true or false, not %(value)s")
    listed = _("should be a list")
    named = _("should have named fields, such as “key: …”")
    words = {
        "missing": _("is missing"),
        "extra_forbidden": _("unknown field"),
        "string_type": _("should be text"),
        "string_too_short": _("should have at least %(min_length)s characters"),
        "string_too_long": _("should have at most %(max_length)s characters"),
        "enum": _("should be one of %(expected)s, not %(value)s"),
        "literal_error": _("should be one of %(expected)s, not %(value)s"),
        "greater_than_equal": _("should be at least %(ge)s"),
        "greater_than": _("should be more than %(gt)s"),
        "less_than_equal": _("should be at most %(le)s"),
        "less_than": _("should be less than %(lt)s"),
        "finite_number": _("should be a finite number"),
        "too_short": _("should have at least %(min_length)s items, not %(actual_length)s"),
        "too_long": _("should have at most %(max_length)s items, not %(actual_length)s"),
        "union_tag_not_found": _("the field %(discriminator)s is missing, which says what it is"),
        "union_tag_invalid": _("%(discriminator)s should be one of %(expected_tags)s, not %(tag)s"),
    }
    words |= dict.fromkeys(("float_type", "float_parsing", "decimal_type"), number)
    words |= dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), whole)
    words |= dict.fromkeys(("bool_type", "bool_parsing"), yes_no)
    words |= dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), listed)
    words |= dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), named)
    return words


def _pattern_words(pattern: str, value: object) -> str:
    """Texts have a pattern to keep controls and spaces at the ends out; keys, to be short and plain."""
    if _KEY_LIKE.search(pattern):
        return _(
            "should be short and of letters, digits, “.”, “_” and “-” only, and begin with a letter or digit"
        )
    text = str(value)
    if text != text.strip():
        return _("should not begin or end with a space or line break")
    bad = next((each for each in text if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp")), "")
    if bad:
        return _("the character %(code)s is not possible here") % {"code": f"U+{ord(bad):04X}"}
    return _("has characters that are not possible here")


def _shown(value: object) -> str:
    """What was given, short and on one line."""
    text = " ".join(f"{value!r}".split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
