"""The frozen evidence itself, as files inside the report."""

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext as _

from lifecycle.models import Snapshot
from reports.documents import EvidenceItem
from reports.rendering.attachments import Attachment

MOST_BYTES = 32 * 1024**2
"""Frozen content that a report carries at most; the rest is named in it by digest, and kept by Gatebook."""


def snapshot_attachments(slug: str, evidence: Sequence[EvidenceItem]) -> list[Attachment]:
    """Each frozen item as the very bytes that its digest names, up to `MOST_BYTES` in all. 1 query."""
    return list(_fitting(slug, evidence))


def _fitting(slug: str, evidence: Sequence[EvidenceItem]) -> Iterator[Attachment]:
    items: dict[str, EvidenceItem] = {item.digest: item for item in evidence}
    contents = Snapshot.objects.filter(project__slug=slug, digest__in=items).order_by("pk")
    total = 0
    for digest, content in contents.values_list("digest", "content"):
        data = content.encode()
        if total + len(data) > MOST_BYTES:
            continue
        total += len(data)
        item = items[digest]
        yield Attachment(
            name=f"{item.code.replace(' ', '-')}-{digest[:12]}.json",
            content=data,
            description=_("%(kind)s: %(title)s") % {"kind": item.kind, "title": item.title[:120]},
        )
