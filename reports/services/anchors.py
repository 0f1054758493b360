"""Places outside the database where a checkpoint is laid down, which a rewritten ledger can not match."""

import os
import secrets
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from asn1crypto import algos, tsp
from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from ledger.models import Anchoring, Checkpoint
from ledger.publishing import checkpoint_text
from lifecycle import outbound

Kind = Anchoring.Kind
TIMESTAMP_LIMITS = outbound.Limits(seconds=30, size=256 * 1024)
_GRANTED = ("granted", "granted_with_mods")
_GIT_SECONDS = 120


class AnchorFault(Exception):
    """The checkpoint is not there; `str()` says why, in words."""


@dataclass(frozen=True)
class Anchor:
    """One place. `target` is what the settings say: `file:/folder`, `git:/repository`, `mail:a@b`, `tsa:https://…`."""

    kind: Anchoring.Kind
    target: str
    where: str

    @classmethod
    def parse(cls, target: str) -> "Anchor":
        """ValueError for what names no place."""
        scheme, _colon, where = target.partition(":")
        kinds = {"file": Kind.FILE, "git": Kind.GIT, "mail": Kind.MAIL, "tsa": Kind.TIMESTAMP}
        if scheme not in kinds or not where:
            raise ValueError(f"{target!r} is no place for checkpoints: file:, git:, mail: or tsa:.")
        if scheme in ("file", "git") and not Path(where).is_absolute():
            raise ValueError(f"{target!r} has to name an absolute path.")
        if scheme == "mail" and "@" not in where:
            raise ValueError(f"{target!r} has to name an e-mail address.")
        if scheme == "tsa" and urlsplit(where).scheme not in ("http", "https"):
            raise ValueError(f"{target!r} has to name a web address.")
        return cls(kinds[scheme], target, where)

    def lay_down(self, checkpoint: Checkpoint) -> bytes:
        """Do it; what was answered, which is a time-stamp or nothing. Raises `AnchorFault`."""
        return {
            Kind.FILE: _into_file,
            Kind.GIT: _into_git,
            Kind.MAIL: _by_mail,
            Kind.TIMESTAMP: _timestamped,
        }[self.kind](self.where, checkpoint)


def _name(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.size:012d}-{checkpoint.root[:16]}.checkpoint"


def _into_file(where: str, checkpoint: Checkpoint) -> bytes:
    """A file of its own, never overwritten: a folder on a medium that cannot be changed will do."""
    path = Path(where) / _name(checkpoint)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(checkpoint_text(checkpoint))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return b""
    except OSError as error:
        raise AnchorFault(_("The file could not be written: %(why)s") % {"why": error.strerror}) from error
    return b""


def _into_git(where: str, checkpoint: Checkpoint) -> bytes:
    """A commit; pushed where the repository has a remote to push to."""
    if not (Path(where) / ".git").exists():
        raise AnchorFault(_("There is no git repository at %(where)s.") % {"where": where})
    _into_file(where, checkpoint)
    _git(where, "add", "--", _name(checkpoint))
    if _git(where, "status", "--porcelain", "--", _name(checkpoint)).strip():
        identity = ("-c", "user.name=Gatebook", "-c", "user.email=gatebook@localhost")
        message = f"Checkpoint of {checkpoint.size} entries, root {checkpoint.root}"
        _git(where, *identity, "commit", "--quiet", "-m", message, "--", _name(checkpoint))
    if _git(where, "remote").strip():
        _git(where, "push", "--quiet")
    return b""


def _git(where: str, *arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603  (no shell; the place comes from the settings)
            ["git", "-C", where, *arguments],  # noqa: S607  (the system's git)
            capture_output=True, text=True, timeout=_GIT_SECONDS, check=False,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AnchorFault(_("git does not work here: %(why)s") % {"why": error}) from error
    if done.returncode:
        raise AnchorFault(_("git says: %(why)s") % {"why": done.stderr.strip()[:400]})
    return done.stdout


def _by_mail(where: str, checkpoint: Checkpoint) -> bytes:
    subject = _("Checkpoint of %(n)d entries") % {"n": checkpoint.size}
    text = _("Keep this. A ledger that was rewritten cannot match it.") + "\n\n" + checkpoint_text(checkpoint)
    try:
        EmailMessage(subject, text, to=[where]).send()
    except OSError as error:
        raise AnchorFault(_("The mail could not be sent: %(why)s") % {"why": error}) from error
    return b""


def _timestamped(where: str, checkpoint: Checkpoint) -> bytes:
    """A time-stamp (RFC 3161) over the SHA-256 of the signed note; the whole answer is kept."""
    digest, nonce = sha256(checkpoint.note.encode()).digest(), secrets.randbits(63)
    imprint = tsp.MessageImprint(
        {"hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}), "hashed_message": digest}
    )
    asked = tsp.TimeStampReq({"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True})
    try:
        said = outbound.fetch(
            "POST",
            where,
            headers={"content-type": "application/timestamp-query"},
            body=asked.dump(),
            limits=TIMESTAMP_LIMITS,
        )
    except outbound.OutboundError as error:
        raise AnchorFault(str(error)) from error
    if said.status != 200:
        raise AnchorFault(_("The time-stamp service answered %(status)d.") % {"status": said.status})
    return _checked_timestamp(said.body, digest, nonce)


def _checked_timestamp(raw: bytes, digest: bytes, nonce: int) -> bytes:
    try:
        answer = tsp.TimeStampResp.load(raw, strict=True)
        status = answer["status"]["status"].native
        if status not in _GRANTED:
            raise AnchorFault(_("The time-stamp was refused: %(status)s.") % {"status": status})
        stamped = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        same = stamped["message_imprint"]["hashed_message"].native == digest
        same = same and stamped["nonce"].native == nonce
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise AnchorFault(_("The time-stamp cannot be read.")) from error
    if not same:
        raise AnchorFault(_("The time-stamp is of something else."))
    return raw
