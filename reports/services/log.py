"""The ledger shown to the outside by schedule: checkpoints, cosignatures of witnesses, copies elsewhere."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger import notes
from ledger.actions import LedgerAction
from ledger.actors import Actor
from ledger.errors import Invalid
from ledger.merkle import VerificationError
from ledger.models import Anchoring, Checkpoint, Cosignature, Witness
from ledger.notes import COSIGNATURE, Verifier
from ledger.publishing import consistency_of, latest_checkpoint, publish_checkpoint
from ledger.queries import head
from ledger.services import append
from ledger.witness import PATH, SIZE_TYPE, request_text
from lifecycle import outbound
from lifecycle.outbox_registry import handler
from lifecycle.services.outbox import enqueue
from reports.services.anchors import Anchor, AnchorFault

WITNESS_TASK = "ledger.witness"
ANCHOR_TASK = "ledger.anchor"
LIMITS = outbound.Limits(seconds=30, size=64 * 1024)
MINUTE = timedelta(minutes=1)


def publish_due(moment: datetime) -> Checkpoint | None:
    """Sign the tree if it grew and the newest checkpoint is old enough; ask witnesses, lay down copies.

    May run as often and by as many as like: what was asked for once is not asked for again.
    """
    newest = latest_checkpoint()
    if newest is not None and not _due(newest, moment):
        return None
    checkpoint = publish_checkpoint()
    with transaction.atomic():
        for witness in Witness.objects.filter(enabled=True, size__lt=checkpoint.size):
            args = {"witness_id": witness.pk, "checkpoint_id": checkpoint.pk}
            enqueue(task=WITNESS_TASK, args=args, key=f"witness:{witness.pk}:{checkpoint.pk}")
        for anchor in anchors():
            if _anchored_lately(anchor, moment):
                continue
            where = {"target": anchor.target, "checkpoint_id": checkpoint.pk}
            enqueue(task=ANCHOR_TASK, args=where, key=f"anchor:{checkpoint.pk}:{anchor.target}"[:200])
    return checkpoint


def _due(newest: Checkpoint, moment: datetime) -> bool:
    every = timedelta(seconds=settings.GATEBOOK_CHECKPOINT_SECONDS)
    return head().size > newest.size and moment - newest.signed_at >= every


def anchors() -> list[Anchor]:
    """Where checkpoints are laid down, as the settings name it. ValueError names what is no such place."""
    return [Anchor.parse(target) for target in settings.GATEBOOK_LEDGER_ANCHORS]


def _anchored_lately(anchor: Anchor, moment: datetime) -> bool:
    since = moment - timedelta(hours=settings.GATEBOOK_ANCHOR_HOURS) + MINUTE
    return Anchoring.objects.filter(target=anchor.target, fault="", anchored_at__gt=since).exists()


@transaction.atomic
def add_witness(*, name: str, url: str, verifier: str, actor: Actor) -> Witness:
    """Ask somebody else to cosign from now on.

    Raises `Invalid` naming `name`, `verifier` or `url`: taken, no key of a witness, no web address.
    """
    try:
        key = Verifier.parse(verifier)
    except ValueError as error:
        raise Invalid("no_verifier", str(error), "verifier") from error
    if key.kind != COSIGNATURE or key.name != name:
        raise Invalid("no_verifier", _("This is not a witness's key of that name."), "verifier")
    try:
        outbound.ensure_web_address(url)
    except outbound.OutboundError as error:
        raise Invalid("no_address", str(error), "url") from error
    if Witness.objects.filter(name=name).exists():
        raise Invalid("name_taken", _("There is a witness of this name."), "name")
    witness = Witness.objects.create(name=name, url=url.rstrip("/"), verifier=str(key))
    append(
        actor=actor,
        action=LedgerAction.WITNESS_ADDED,
        subject=witness,
        detail={"name": name, "url": witness.url, "verifier": witness.verifier},
    )
    return witness


@transaction.atomic
def remove_witness(*, name: str, actor: Actor) -> None:
    """Ask it no more. Its cosignatures stay. Raises `Invalid` (`no_such_witness`)."""
    witness = Witness.objects.select_for_update().filter(name=name, enabled=True).first()
    if witness is None:
        raise Invalid("no_such_witness", _("There is no witness %(name)s.") % {"name": name}, "name")
    witness.enabled = False
    witness.save(update_fields=["enabled"])
    append(actor=actor, action=LedgerAction.WITNESS_REMOVED, subject=witness, detail={"name": name})


@handler(WITNESS_TASK)
def ask_witness(*, witness_id: int, checkpoint_id: int) -> None:
    """Show a checkpoint to a witness and keep its line. Raises `outbound.OutboundError`: tried again later.

    A witness that knows another size says which, and is shown the growth from there, once.
    """
    witness = Witness.objects.get(pk=witness_id)
    checkpoint = Checkpoint.objects.get(pk=checkpoint_id)
    if not witness.enabled or witness.cosignatures.filter(checkpoint=checkpoint).exists():
        return
    said = _show(witness, checkpoint, witness.size)
    if said.status == 409 and said.headers.get("content-type", "").startswith(SIZE_TYPE):
        size = said.body.decode(errors="replace").strip()
        if size.isascii() and size.isdigit() and int(size) <= checkpoint.size:
            said = _show(witness, checkpoint, int(size))
    if said.status != 200:
        _note_refusal(witness, f"{said.status}: {said.body.decode(errors='replace').strip()}")
        return
    _keep(witness, checkpoint, said.body.decode(errors="replace"))


def _show(witness: Witness, checkpoint: Checkpoint, old: int) -> outbound.Answer:
    body = request_text(
        old=old, proof=consistency_of(old, checkpoint.size), checkpoint=checkpoint.note
    ).encode()
    return outbound.fetch("POST", witness.url + PATH, body=body, limits=LIMITS)


def _keep(witness: Witness, checkpoint: Checkpoint, lines: str) -> None:
    key = Verifier.parse(witness.verifier)
    try:
        signed = notes.parse_note(checkpoint.note + lines)
        notes.verified_by(signed, [key])
        line = next(each.line for each in signed.signatures if each.key_id == key.key_id)
    except VerificationError as error:
        _note_refusal(witness, str(error))
        return
    with transaction.atomic():
        Cosignature.objects.get_or_create(
            checkpoint=checkpoint, witness=witness, defaults={"line": line, "received_at": now()}
        )
        Witness.objects.filter(pk=witness.pk, size__lt=checkpoint.size).update(size=checkpoint.size)
        Witness.objects.filter(pk=witness.pk).update(said="", asked_at=now())


def _note_refusal(witness: Witness, text: str) -> None:
    Witness.objects.filter(pk=witness.pk).update(said=text[:600], asked_at=now())


@handler(ANCHOR_TASK)
def lay_down(*, target: str, checkpoint_id: int) -> None:
    """Lay a checkpoint down in one place. What failed is noted in words and tried again with the next one."""
    checkpoint = Checkpoint.objects.get(pk=checkpoint_id)
    if Anchoring.objects.filter(checkpoint=checkpoint, target=target, fault="").exists():
        return
    anchor = Anchor.parse(target)
    try:
        proof, fault = anchor.lay_down(checkpoint), ""
    except AnchorFault as error:
        proof, fault = b"", str(error)
    Anchoring.objects.create(
        checkpoint=checkpoint,
        kind=anchor.kind,
        target=target,
        proof=proof,
        fault=fault[:600],
        anchored_at=now(),
    )
