"""The data sets of a project as documents, as they were known at a moment."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from lifecycle.models import DataSet, DataUse, Project
from reports.papers.data_sheet import DataFacts, DataState


def data_of(project: Project, moment: datetime) -> list[DataFacts]:
    """The data sets of a project as they were known then. 3 queries."""
    uses: dict[int, list[tuple[str, str]]] = defaultdict(list)
    known = DataUse.objects.filter(version__data_set__project=project, run__created_at__lte=moment)
    for use in known.select_related("run").order_by("run", "pk"):
        uses[use.version_id].append((use.run.label.replace(" ", "\u00a0"), use.role))
    sets = DataSet.objects.filter(project=project, created_at__lte=moment).prefetch_related("versions")
    return [
        DataFacts(
            name=each.name,
            source=each.source,
            licence=each.licence,
            owner=each.owner,
            description=each.description,
            states=tuple(
                DataState(
                    number=version.number,
                    digest=version.digest,
                    method=str(version.get_method_display()),
                    made_at=version.created_at,
                    rows=version.rows,
                    size=version.size,
                    uri=version.uri,
                    columns=tuple(_columns(version.schema)),
                    uses=tuple(uses[version.pk]),
                )
                for version in each.versions.all()
                if version.created_at <= moment
            ),
        )
        for each in sets.order_by("name", "pk")
    ]


def _columns(schema: Any) -> list[tuple[str, str]]:
    if not isinstance(schema, list):
        return []
    return [(str(c.get("name", "")), str(c.get("type", ""))) for c in schema if isinstance(c, dict)]
