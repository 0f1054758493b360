"""What frameworks say of projects, as it was last looked at. Everything here reads stored standings."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from governance.compliance.documents import FrameworkDocument
from governance.models import Classification, Framework, FrameworkUse
from governance.oscal.names import framework_uri
from ledger.models import Entry
from lifecycle.models import Project

LOOKED = "compliance.looked"
"""The action under which the look itself is recorded; it makes no project look changed."""

ORGANIZATION_WIDE = ("person.closed", "person.changed", "person.compromised")
"""Entries without a project after which every project is looked at again."""


@lru_cache(maxsize=64)
def _parsed(pk: int, digest: str) -> FrameworkDocument:
    return Framework.objects.get(pk=pk, digest=digest).parsed


def document_of(framework: Framework) -> FrameworkDocument:
    """The document with its types, kept in memory: a version never changes."""
    return _parsed(framework.pk, framework.digest)


def document_by_uri(uri: str) -> FrameworkDocument | None:
    """The framework that an OSCAL profile names, None if that version is not held here. 1 query."""
    for each in Framework.objects.defer("document"):
        if framework_uri(each.key, each.version) == uri:
            return document_of(each)
    return None


def uses_in_force(project: Project) -> QuerySet[FrameworkUse]:
    """The frameworks that a project is measured by now, without their documents: `document_of` has them."""
    found = project.framework_uses.filter(ended_at__isnull=True)
    return found.select_related("framework").defer("framework__document").order_by("framework__key")


def classification_of(project: Project) -> Classification | None:
    """The classification in force, None before the first. 1 query."""
    found: Classification | None = project.classifications.order_by("-number").first()
    return found


def result_of(classification: Classification | None) -> dict[str, Any] | None:
    """What the classification came to, None without one."""
    return classification.result if classification is not None else None


def projects_to_look_at(today: Any) -> QuerySet[Project]:
    """Projects in use of a framework whose records changed since the last look, or not looked at today.

    An index lookup for each project, whatever the size of the ledger.
    """
    own = Entry.objects.filter(project=OuterRef("slug")).exclude(action=LOOKED).order_by("-index")
    wide = Entry.objects.filter(project="", action__in=ORGANIZATION_WIDE).order_by("-index")
    last_wide = wide.values_list("index", flat=True).first()
    found = Project.objects.filter(
        pk__in=FrameworkUse.objects.filter(ended_at__isnull=True).values("project")
    )
    found = found.annotate(
        newest=Coalesce(Subquery(own.values("index")[:1]), Value(-1)),
        taken=Coalesce(F("compliance_look__ledger_index"), Value(-2)),
    )
    behind = Q(newest__gt=F("taken")) | Q(compliance_look__isnull=True) | ~Q(compliance_look__day=today)
    if last_wide is not None:
        behind |= Q(taken__lt=last_wide)
    return found.filter(behind).order_by("pk")
