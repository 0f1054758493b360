"""What the technical documentation of Annex IV needs beside the lifecycle report and the framework."""

from django.utils.translation import gettext as _

from governance.models import InventoryEntry
from lifecycle.models import ModelVersion, Project
from reports.documents import LifecycleReport
from reports.documents.compliance import Compliance
from reports.papers.annex_iv import Sources
from reports.papers.model_card import ModelFacts
from reports.queries.data_sets import data_of
from reports.queries.moment import Moment


def sources_of(project: Project, document: LifecycleReport, found: Compliance, moment: Moment) -> Sources:
    """Everything that the items are assembled from. 5 queries.

    The inventory keeps no moments: an entry that was changed later is left out.
    """
    entry = InventoryEntry.objects.filter(project=project, changed_at__lte=moment.at)
    held = entry.select_related("owner", "deputy", "overseer").first()
    versions = ModelVersion.objects.filter(project=project, created_at__lte=moment.at).order_by("number")
    return Sources(
        report=document,
        found=found,
        versions=[
            ModelFacts(
                number=each.number,
                digest=each.digest,
                size=each.size,
                made_at=each.created_at,
                source=each.source_uri,
            )
            for each in versions
        ],
        data=data_of(project, moment.at),
        uses=tuple(map(str, held.approved_uses)) if held else (),
        overseers=_overseers(held),
    )


def _overseers(held: InventoryEntry | None) -> tuple[tuple[str, str], ...]:
    if held is None or held.overseer is None:
        return ()
    people = ((held.overseer, _("watches over it in operation and may stop it")), (held.owner, _("owner")))
    deputy = ((str(held.deputy), _("deputy of the owner")),) if held.deputy else ()
    return (*((str(who), role) for who, role in people), *deputy)
