"""Small parts of the pages of gates and models: `{% load governance_pages %}`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from governance.models import CheckRecord, Gate, Signoff
from governance.queries import pages_gate
from governance.queries.pages_compliance import record_url
from lifecycle.models import Project
from lifecycle.templatetags import marks
from lifecycle.templatetags.gatebook import address

register = template.Library()


@register.filter
def scope_text(scope: Mapping[str, list[str]]) -> str:
    """A scope in one line: "country: US, IT", or "unlimited"."""
    return pages_gate.scope_text(scope)


@register.simple_tag
def fact(value: Any, kind: str = "text") -> SafeString | str:
    """A property of a model version: a digest is shortened, a fraction has four digits, None is a dash."""
    if value is None or value == "":
        return format_html('<span class="faint">{}</span>', _("none"))
    if kind == "digest":
        return marks.digest(str(value))
    if kind == "time" and isinstance(value, dt.datetime):
        return marks.when(value)
    return marks.sig(value, 4) if kind == "number" else str(value)


@register.simple_tag
def consequence(decision: str, gate: Gate, scope: str) -> str:
    """What a decision at this gate brings about, in a sentence below its name."""
    if decision == Signoff.Decision.APPROVE:
        if gate.definition["authorizes"]:
            words = {"where": gate.environment, "scope": scope}
            return _("I have reviewed the evidence. This version may run in %(where)s (%(scope)s).") % words
        return _("I have reviewed the evidence. The work may go on.")
    if decision == Signoff.Decision.REJECT:
        return _("Refuse the gate and send the work back to a phase that I name.")
    return _("I have seen it. Does not count as approval.")


@register.simple_tag
def entry_link(index: int) -> SafeString:
    """The number of a ledger entry, with a link where the ledger has pages."""
    url = address("reports:ledger-entry", index)
    if not url:
        return format_html('<span class="digest">#{}</span>', marks.thin(index))
    return format_html('<a class="digest" href="{}">#{}</a>', url, marks.thin(index))


@register.simple_tag
def record_link(record: CheckRecord, project: Project) -> str:
    """The address of a record that a check judged."""
    return record_url(project, record.kind, record.record_id)


@register.simple_tag
def page_of(kind: str, pk: int, project: Project) -> str:
    """The address of a record by its kind and key."""
    return record_url(project, kind, pk)
