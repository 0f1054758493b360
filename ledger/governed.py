"""Which rows the ledger vouches for: all of every app that declares what it does not.

An app's config has `ungoverned`: what is no record but work, cache or memory of a person's own, each with its
reason; `"lifecycle.job"` leaves a model out, `"lifecycle.user.last_login"` one column. What is not named is
governed, so that a new table can not be forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models


@dataclass(frozen=True)
class Governed:
    """A table, its key, and the columns that are vouched for."""

    label: str
    table: str
    key: str
    columns: tuple[str, ...]


@cache
def governed() -> tuple[Governed, ...]:
    """Every governed table, by name. ImproperlyConfigured for a reason that fits nothing."""
    found, reasons = [], _reasons()
    left = set(reasons)
    for config in apps.get_app_configs():
        if not hasattr(config, "ungoverned"):
            continue
        for model in config.get_models(include_auto_created=True):
            label = model._meta.label_lower
            if label in reasons:
                left.discard(label)
                continue
            found.append(_governed(model, reasons, left))
    if left:
        raise ImproperlyConfigured(
            f"Nothing is called so, yet it is left ungoverned: {', '.join(sorted(left))}."
        )
    return tuple(sorted(found, key=lambda each: each.table))


def _governed(model: type[models.Model], reasons: Mapping[str, str], left: set[str]) -> Governed:
    meta = model._meta
    if not isinstance(meta.pk, models.AutoField | models.OneToOneField):  # BigAutoField says that it is one
        raise ImproperlyConfigured(f"{meta.label}: the ledger vouches for rows with a number as key.")
    columns = []
    for each in meta.local_fields:
        name = f"{meta.label_lower}.{each.name}"
        left.discard(name)
        if name not in reasons and each.column and not each.generated:
            columns.append(each.column)
    return Governed(meta.label_lower, meta.db_table, str(meta.pk.column), tuple(columns))


def _reasons() -> dict[str, str]:
    reasons: dict[str, str] = {}
    for config in apps.get_app_configs():
        reasons |= getattr(config, "ungoverned", {})
    return reasons
