"""Which fields the events of each kind of trigger have, and whether a condition asks for another.

Every event that this site makes, or lets be reported, holds no others: tests compare them with this list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from lifecycle.definitions.expressions import code_of
from lifecycle.definitions.flow import TriggerKind

_REPORTED = frozenset({"summary", "link", "details"})
_MONITORED = frozenset({"run", "title", "verdict", "rows", "model", "findings", "summary", "window", "plan"})

EVENT_FIELDS: Mapping[str, frozenset[str]] = {
    TriggerKind.MANUAL: frozenset({"reason", "by"}),
    TriggerKind.SCHEDULE: frozenset({"due", "summary"}),
    TriggerKind.NEW_DATA: _REPORTED | {"rows_new", "verified", "dataset", "digest"},
    TriggerKind.METRIC: _REPORTED | _MONITORED | {
        "limits_broken", "value", "limit", "forecast", "service_value", "service_limit", "override_share",
        "own_share", "kpi", "kpi_target", "cost", "main_metric", "broken", "reference_value", "metrics",
        "slices",
    },
    TriggerKind.DRIFT: _MONITORED | {
        "psi", "js", "prediction_psi", "share_drifted", "features", "drifted", "segments_drifted",
        "error_growth",
    },
    TriggerKind.ANOMALY: _MONITORED | {
        "unseen_share", "out_of_range_share", "missing_increase", "type_violations", "violations",
        "violation_rows", "violation_rate", "overlap_rows", "test_set", "test_set_uses",
    },
    TriggerKind.CHANGE: _REPORTED | {"change", "what", "training_code", "requirement", "version"},
    TriggerKind.DEPLOYMENT: frozenset(
        {
            "deployment", "state", "environment", "model", "strategy", "share", "authorized", "reason",
            "summary",
        }
    ),
    TriggerKind.HANDOFF: frozenset(
        {"handoff", "state", "phase", "round", "overdue", "days_late", "reason", "summary"}
    ),
    TriggerKind.INCIDENT: _REPORTED | {"severity", "security"},
    TriggerKind.REGULATION: _REPORTED | {"rule", "rows_to_remove"},
    TriggerKind.EXPIRY: frozenset(
        {
            "expired", "risk", "task", "gate", "criterion", "until", "summary", "model", "environment",
            "model_age_days",
        }
    ),
}  # fmt: skip
"""What an event of a kind can hold, whoever brings it."""

_FIELD = re.compile(r"\b(event|params)\s*\.\s*([A-Za-z_]\w*)(?!\s*\()")
_GUARD = re.compile(r"\bhas\(\s*(event|params)\s*\.\s*([A-Za-z_]\w*)\s*\)")


def missing_field(condition: str, kind: str, params: Mapping[str, Any]) -> str | None:
    """In words the first thing a condition asks for that will not be there; None if there is nothing.

    What the condition itself guards with `has(...)` may be missing.
    """
    code = code_of(condition)
    guarded = set(_GUARD.findall(code))
    known = {"event": EVENT_FIELDS.get(kind), "params": frozenset(params)}
    for found in _FIELD.finditer(code):
        fields = known[found[1]]
        if fields is None or found[2] in fields or found.groups() in guarded:
            continue
        return _("There is no “%(field)s” in column %(column)d; there are: %(known)s.") % {
            "field": f"{found[1]}.{found[2]}",
            "column": found.start() + 1,
            "known": ", ".join(sorted(fields)) or _("none"),
        }
    return None
