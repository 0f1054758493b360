"""Figures computed ahead. They are no records of anybody's: nothing of it stands in the ledger."""

from django.utils import timezone

from ledger.queries import head
from lifecycle.models import KeptFigures, Project
from lifecycle.queries.kept_analytics import DAYS, computed, name_of

_HOUR = 3600
WORTH_KEEPING = 10_000
"""In a ledger of fewer entries a page computes its figures itself, as of now."""


def keep_figures() -> int:
    """Compute the analytics of the organization anew if the ledger has grown; how many periods.

    Safe to run twice at once: each run writes whole rows.
    """
    size = head().size
    if size < WORTH_KEEPING:
        KeptFigures.objects.all().delete()
        return 0
    done = 0
    for days in DAYS:
        # A period moves on with time, too, but what has not changed since the last hour is as good.
        kept = KeptFigures.objects.filter(name=name_of(days)).first()
        if kept is not None and kept.size == size and (timezone.now() - kept.made_at).total_seconds() < _HOUR:
            continue
        now = timezone.now()
        figures = computed(Project.objects.all(), days)
        KeptFigures.objects.update_or_create(
            name=name_of(days), defaults={"figures": figures, "size": size, "made_at": now}
        )
        done += 1
    return done
