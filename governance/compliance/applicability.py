"""Whether a control has a bearing on a classified project, and from which day it applies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from governance.compliance.documents import ControlDocument, FrameworkDocument

_HIGH_RISK = frozenset({"high-risk", "conformity", "after-release"})


def no_bearing(control: ControlDocument, result: Mapping[str, Any] | None) -> str:
    """Why a control does not apply to a project with this classification; empty when it does.

    Without a classification everything applies that was not withdrawn: nobody has said otherwise.
    """
    if control.withdrawn:
        return control.withdrawn
    if result is None:
        return ""
    role = result.get("role", "")
    if control.duty_of and role in ("provider", "deployer") and role not in control.duty_of:
        return _("A duty of others: here the organization is %(role)s.") % {"role": role}
    if control.timeline in _HIGH_RISK and not result.get("high_risk_duties"):
        return _("A duty for high-risk systems, which this is not by its classification.")
    return ""


def applies_from(
    document: FrameworkDocument, control: ControlDocument, result: Mapping[str, Any] | None
) -> dt.date | None:
    """The day from which a control applies by the route of the classification, None if no day is known."""
    days = document.timelines.get(control.timeline, {})
    route = (result or {}).get("route", "")
    for name in (route, "all"):
        if name in days:
            return days[name]
    return min(days.values(), default=None)
