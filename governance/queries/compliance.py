"""What frameworks say of projects, as it was last looked at. Everything here reads stored standings."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from governance.compliance.documents import FrameworkDocument
from governance.models import (
    Authorization,
    Classification,
    Deployment,
    Framework,
    FrameworkUse,
    GateAsk,
    Incident,
)
from governance.oscal.names import framework_uri
from ledger.models import Checkpoint, Entry
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


def projects_to_look_at(moment: dt.datetime) -> QuerySet[Project]:
    """Projects in use of a framework of which there is something new at a moment.

    New is an entry of the ledger, a day that has begun, a moment that an authorization or an incident ends
    by, and what leaves no entry: the first checkpoint, the first question about a live model. A few index
    lookups for each project, whatever the size of the ledger.
    """
    today = moment.astimezone(dt.UTC).date()
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
    return found.filter(behind | _passed(moment) | _first_seen()).order_by("pk")


def _passed(moment: dt.datetime) -> Q:
    """What began or ended by the clock since the last look."""
    since = OuterRef("compliance_look__looked_at")
    given = Authorization.objects.filter(project=OuterRef("pk"))
    late = Incident.objects.filter(project=OuterRef("pk"), reported_at__isnull=True)
    return (
        Q(Exists(given.filter(valid_until__gt=since, valid_until__lte=moment)))
        | Q(Exists(given.filter(valid_from__gt=since, valid_from__lte=moment)))
        | Q(Exists(late.filter(due_at__gte=since, due_at__lt=moment)))
    )


def _first_seen() -> Q:
    """What leaves no entry in the ledger and is there for the first time since the last look."""
    first = Checkpoint.objects.order_by("size").values_list("signed_at", flat=True).first()
    live = Deployment.objects.filter(project=OuterRef("pk"), state=Deployment.State.LIVE)
    asks = GateAsk.objects.filter(model_digest=OuterRef("model_version__digest"))
    since = OuterRef("project__compliance_look__looked_at")
    asked = Exists(live.filter(Exists(asks), ~Exists(asks.filter(asked_at__lte=since))))
    return Q(asked) if first is None else Q(asked) | Q(compliance_look__looked_at__lt=first)
