"""What the outside gets of the ledger: signed checkpoints, proofs, entries, each under a checkpoint."""

import secrets
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger import canonical, notes
from ledger.errors import Invalid
from ledger.keys import present_key, public_keys, signer
from ledger.models import Checkpoint, Entry, Log
from ledger.notes import Statement, Verifier
from ledger.queries import head
from ledger.tiles import Reader, store_tiles

PROOF_SUFFIX = ".tlog-proof"


def origin() -> str:
    """The name of this ledger. Fixed the first time it is asked for, whatever the settings say later."""
    log = Log.objects.filter(pk=1).first()
    if log is None:
        log, _new = Log.objects.get_or_create(
            pk=1, defaults={"origin": _origin_of_settings(), "created_at": now()}
        )
    return log.origin


def _origin_of_settings() -> str:
    given = settings.GATEBOOK_LOG_ORIGIN
    if given:
        notes.refuse_unfit_name(given)
        return str(given)
    host = urlsplit(settings.GATEBOOK_URL).netloc or "gatebook"
    # Two installations without an address must not be taken for one log that forked.
    return f"{host}/ledger/{secrets.token_hex(4)}"


def verifiers() -> list[Verifier]:
    """All keys that ever signed here, as others name them. 2 queries."""
    name = origin()
    return [Verifier(name, bytes.fromhex(key.public)) for key in public_keys()]


def publish_checkpoint() -> Checkpoint:
    """Sign the tree as it stands; the newest checkpoint if it says so already.

    A checkpoint is no event and leaves no entry: else each one would call for the next. Tiles are stored
    in the same transaction, so that whatever a checkpoint covers can be proven.
    """
    key = present_key()  # may record, and so comes before the tree is read
    name, tree = origin(), head()
    with transaction.atomic():
        known = Checkpoint.objects.select_for_update().filter(size=tree.size, key=key).first()
        if known is not None:
            return known
        store_tiles(tree.size)
        statement = Statement(name, tree.size, bytes.fromhex(tree.root))
        note = notes.sign_note(statement.text, Verifier(name, bytes.fromhex(key.public)), signer().sign)
        found, _new = Checkpoint.objects.get_or_create(
            size=tree.size, key=key, defaults={"root": tree.root, "note": str(note), "signed_at": now()}
        )
    return found


def latest_checkpoint() -> Checkpoint | None:
    """The newest one, signed by the newest key. 1 query."""
    return Checkpoint.objects.order_by("-size", "-pk").first()


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """The signed note with the lines of all witnesses. 1 query."""
    lines = checkpoint.cosignatures.order_by("witness__name").values_list("line", flat=True)
    return checkpoint.note + "".join(f"{line}\n" for line in lines)


def proof_of_entry(index: int, checkpoint: Checkpoint | None = None) -> str:
    """A `.tlog-proof` of an entry: its place, its path, and the checkpoint that it stands under.

    Without a checkpoint a new one is published where the newest does not cover the entry.
    Raises `Invalid` (`no_such_entry`).
    """
    if checkpoint is None:
        newest = latest_checkpoint()
        checkpoint = newest if newest is not None and index < newest.size else publish_checkpoint()
    if not 0 <= index < checkpoint.size:
        raise Invalid("no_such_entry", _("The ledger has no entry %(index)s.") % {"index": index}, "index")
    path = Reader(checkpoint.size).inclusion(index)
    return str(notes.Proof(index, tuple(path), checkpoint_text(checkpoint)))


def leaf_bytes_of(entry: Entry) -> bytes:
    """What is hashed as the leaf: the entry's columns as canonical JSON, without names."""
    return canonical.leaf_bytes(
        index=entry.index,
        time=canonical.time_text(entry.recorded_at),
        actor=entry.actor,
        action=entry.action,
        subject_type=entry.subject_type,
        subject_id=entry.subject_id,
        project=entry.project,
        payload_hash=entry.payload_hash,
    )


def entry_bundle(number: int, width: int) -> bytes:
    """The leaf bytes of up to 256 entries, each behind its length in two bytes (tlog-tiles). 1 query.

    Raises LookupError where the ledger has not so many.
    """
    start = number * 256
    rows = list(Entry.objects.filter(index__gte=start, index__lt=start + width).order_by("index"))
    if len(rows) != width:
        raise LookupError(f"There is no bundle {number} of {width} entries.")
    leaves = [leaf_bytes_of(entry) for entry in rows]
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def consistency_of(old: int, new: int) -> list[bytes]:
    """The proof that the tree of `old` entries begins that of `new`. ValueError for other sizes."""
    return Reader(new).consistency(old)
