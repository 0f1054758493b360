"""The ledger as a transparency log: checkpoint, tiles, entries and proofs at fixed, cacheable addresses.

Checkpoint and hashes are open to everybody: they tell how much was recorded and nothing of what, and a
witness or an auditor without an account needs them. Entries are for those who see everything.
"""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from ledger.errors import Invalid
from ledger.publishing import checkpoint_text, entry_bundle, latest_checkpoint, proof_of_entry, verifiers
from ledger.tiles import WIDTH, tile_hashes
from lifecycle.rules import sees_everything
from lifecycle.views.acting import reader
from reports.paths import TilePlace
from reports.queries.ledger_pages import entries_visible_to

FOR_EVER = "max-age=31536000, immutable"
PLAIN = "text/plain; charset=utf-8"
LARGEST_INDEX = 2**63 - 1
HIGHEST_LEVEL = 7


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    """The newest signed checkpoint with the lines of its witnesses. 2 queries."""
    newest = latest_checkpoint()
    if newest is None:
        raise Http404(_("Nothing was published yet."))
    return HttpResponse(
        checkpoint_text(newest), content_type=PLAIN, headers={"Cache-Control": "public, max-age=5"}
    )


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The keys that ever signed checkpoints, one a line, as verifiers read them. 2 queries."""
    lines = "".join(f"{each}\n" for each in verifiers())
    return HttpResponse(lines, content_type=PLAIN, headers={"Cache-Control": "public, max-age=60"})


@require_safe
def tile(request: HttpRequest, level: int, place: TilePlace) -> HttpResponse:
    """Hashes of one level of the published tree. At most 3 queries."""
    number, width = place
    size = _published()
    if level > HIGHEST_LEVEL or number * WIDTH + width > size >> (8 * level):
        raise Http404(_("The published tree has no such tile."))
    return _bytes(tile_hashes(level, number, width), public=True)


@login_required
@require_safe
def entries(request: HttpRequest, place: TilePlace) -> HttpResponse:
    """The bytes of up to 256 entries, from which their leaf hashes follow. 4 queries."""
    if not sees_everything(reader(request)):
        raise PermissionDenied(_("Only those who see every project read all entries."))
    number, width = place
    if number * WIDTH + width > _published():
        raise Http404(_("The published tree has no such entries."))
    return _bytes(entry_bundle(number, width), public=False)


@login_required
@require_safe
def proof(request: HttpRequest, index: int) -> HttpResponse:
    """The `.tlog-proof` of an entry under the newest checkpoint that covers it. At most 12 queries."""
    entry = get_object_or_404(entries_visible_to(reader(request)), pk=min(index, LARGEST_INDEX))
    newest = latest_checkpoint()
    if newest is None or entry.index >= newest.size:
        raise Http404(_("The next checkpoint will cover this entry: try again in some minutes."))
    try:
        text = proof_of_entry(entry.index, newest)
    except Invalid as no:
        raise Http404(str(no)) from no
    name = f'attachment; filename="entry-{entry.index}.tlog-proof"'
    return HttpResponse(text, content_type=PLAIN, headers={"Content-Disposition": name})


def _published() -> int:
    newest = latest_checkpoint()
    return newest.size if newest else 0


def _bytes(content: bytes, *, public: bool) -> HttpResponse:
    cache = f"{'public' if public else 'private'}, {FOR_EVER}"
    return HttpResponse(content, content_type="application/octet-stream", headers={"Cache-Control": cache})
