"""What the facts are called in a sentence about an expression."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import pgettext as _p


def singulars() -> Mapping[str, str]:
    """One element of each list."""
    return {
        "metrics": _p("one of a list", "metric"), "slices": _p("one of a list", "slice"),
        "tasks": _p("one of a list", "task"), "handoffs": _p("one of a list", "handoff"),
        "requirements": _p("one of a list", "requirement"), "risks": _p("one of a list", "risk"),
        "findings": _p("one of a list", "finding"), "evidence": _("piece of evidence"),
        "scope": _("key of the scope"), "waivers": _p("one of a list", "waiver"),
    }  # fmt: skip


def plurals() -> Mapping[str, str]:
    """Each fact as a whole."""
    return {
        "metrics": _("the metrics"), "slices": _("the slices"), "tasks": _("the tasks"),
        "handoffs": _("the handoffs"), "requirements": _("the requirements"), "risks": _("the risks"),
        "findings": _("the findings"), "evidence": _("the evidence"), "previous": _("the version before"),
        "run": _("the run"), "data": _("the data"), "monitoring": _("the last monitoring"),
        "scope": _("the scope"), "event": _("the event"), "params": _("the parameters"),
    }  # fmt: skip


def counted_names() -> Mapping[str, str]:
    """The elements of each list, as they are counted."""
    return {
        "tasks": _("tasks"), "handoffs": _("handoffs"), "requirements": _("requirements"),
        "risks": _("risks"), "findings": _("findings"), "evidence": _("pieces of evidence"),
        "metrics": _("metrics"), "slices": _("slices"), "scope": _("keys of the scope"),
        "monitoring": _("entries of the last monitoring"),
    }  # fmt: skip


def properties() -> Mapping[str, str]:
    """What a record of the facts has."""
    return {
        "phase": _("phase"), "kind": _("kind"), "task": _("task"), "key": _("key"), "state": _("state"),
        "severity": _("severity"), "gate": _("gate"), "score": _("score"), "appetite": _("appetite"),
    }  # fmt: skip


def adjectives() -> Mapping[str, tuple[str, str]]:
    """What a flag of a record says, and what its absence says."""
    return {
        "verified": (_("it is verified"), _("it is not verified")),
        "expired": (_("it has expired"), _("it has not expired")),
        "mandatory": (_("it is mandatory"), _("it is not mandatory")),
        "met": (_("it is met"), _("it is not met")),
        "blocking": (_("it is blocking"), _("it is not blocking")),
        "acceptable": (_("it is acceptable"), _("it is not acceptable")),
        "open": (_("it is open"), _("it is not open")),
    }
