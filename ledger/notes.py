"""Signed notes and checkpoints as others read them: pure functions, no storage.

Sources: C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature v1.0.1, tlog-proof (draft).
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.merkle import HASH_SIZE, VerificationError, verify_inclusion

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_NOTE = 1_000_000
_DASH = "—"
_PROOF_HEAD = "c2sp.org/tlog-proof@v1"

Sign = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Verifier:
    """A public key under the name that its signatures carry. `kind` is ED25519 or COSIGNATURE."""

    name: str
    public: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        refuse_unfit_name(self.name)
        if len(self.public) != 32 or self.kind not in (ED25519, COSIGNATURE):
            raise ValueError("A verifier has 32 bytes of an Ed25519 key and a known kind.")

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand before each of its signatures."""
        return key_id(self.name, self.kind, self.public)

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read `name+key id+base64`; ValueError says what is wrong with it."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise ValueError("A verifier key has the form name+key id+base64.")
        name, hint, encoded = parts
        raw = _decoded(encoded, "verifier key")
        if len(raw) != 33:
            raise ValueError(f"A verifier key holds 33 bytes, not {len(raw)}.")
        found = cls(name, raw[1:], raw[0])
        if found.key_id.hex() != hint:
            raise ValueError("The key id of the verifier key is not that of its name and key.")
        return found

    def __str__(self) -> str:
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"


@dataclass(frozen=True)
class Signature:
    """One line under a note: who, which key, and the bytes after the key id."""

    name: str
    key_id: bytes
    raw: bytes

    @property
    def line(self) -> str:
        return f"{_DASH} {self.name} {base64.b64encode(self.key_id + self.raw).decode()}"


@dataclass(frozen=True)
class Note:
    """A text and the signatures under it, none of which has been looked at."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{each.line}\n" for each in self.signatures)


@dataclass(frozen=True)
class Statement:
    """What a checkpoint states: the log's name, the size of its tree and the root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True)
class Proof:
    """An entry's place under a checkpoint, as a `.tlog-proof` file holds it."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    def __str__(self) -> str:
        lines = [_PROOF_HEAD]
        if self.extra:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(base64.b64encode(each).decode() for each in self.path)]
        return "\n".join(lines) + "\n\n" + self.checkpoint


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """The first four bytes of SHA-256 over name, newline, kind and key."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def refuse_unfit_name(name: str) -> None:
    """ValueError for a name that a line could not hold."""
    if not name or "+" in name or any(char.isspace() for char in name) or not name.isprintable():
        raise ValueError("The name of a key has no spaces, no plus and is not empty.")


def sign_note(text: str, verifier: Verifier, sign: Sign) -> Note:
    """The text under one signature. `sign` is given the text's bytes."""
    _refuse_unfit_text(text)
    return Note(text, (Signature(verifier.name, verifier.key_id, sign(text.encode())),))


def cosign(text: str, verifier: Verifier, sign: Sign, *, at: int) -> Signature:
    """A witness's signature on a checkpoint, with its time in seconds since 1970."""
    raw = sign(_cosigned(text, at))
    return Signature(verifier.name, verifier.key_id, at.to_bytes(8, "big") + raw)


def parse_note(raw: str) -> Note:
    """Take a signed note apart; `VerificationError` says what keeps it from being one."""
    if len(raw) > MAX_NOTE:
        raise VerificationError("The note is too long.")
    text, gap, lines = raw.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise VerificationError("The note has no signatures.")
    return Note(text + "\n", tuple(_signature(line) for line in lines.splitlines()))


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise VerificationError("A line under the note is no signature.")
    try:
        raw = _decoded(parts[2], "signature")
    except ValueError as error:
        raise VerificationError(str(error)) from error
    if len(raw) < 5:
        raise VerificationError("A signature under the note is cut off.")
    return Signature(parts[1], raw[:4], raw[4:])


def verified_by(note: Note, verifiers: Iterable[Verifier]) -> dict[str, Verifier]:
    """Who of these really signed, by name.

    Signatures of unknown keys count for nothing. A wrong signature of a known key rejects the note, and so
    does a note that none of the keys has signed: `VerificationError`.
    """
    known = {(each.name, each.key_id): each for each in verifiers}
    found: dict[str, Verifier] = {}
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None:
            continue
        _check(note.text, signature, verifier)
        found[verifier.name] = verifier
    if not found:
        raise VerificationError("No known key has signed the note.")
    return found


def _check(text: str, signature: Signature, verifier: Verifier) -> None:
    message, raw = text.encode(), signature.raw
    if verifier.kind == COSIGNATURE:
        if len(raw) != 72:
            raise VerificationError(f"The cosignature of {verifier.name} is cut off.")
        message, raw = _cosigned(text, int.from_bytes(raw[:8], "big")), raw[8:]
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(raw, message)
    except InvalidSignature as error:
        raise VerificationError(f"The signature of {verifier.name} does not fit the text.") from error


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def parse_statement(text: str) -> Statement:
    """Origin, size and root of a checkpoint's text; `VerificationError` for anything else."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or lines[-1]:
        raise VerificationError("The checkpoint does not have origin, size and root.")
    size, encoded = lines[1], lines[2]
    if not (size.isascii() and size.isdigit()) or (size[0] == "0" and size != "0") or len(size) > 19:
        raise VerificationError("The size of the checkpoint is no whole number.")
    try:
        root = _decoded(encoded, "root")
    except ValueError as error:
        raise VerificationError(str(error)) from error
    if len(root) != HASH_SIZE:
        raise VerificationError("The root of the checkpoint is no SHA-256 hash.")
    return Statement(lines[0], int(size), root)


def open_checkpoint(raw: str, verifiers: Sequence[Verifier], *, origin: str = "") -> Statement:
    """What a checkpoint states, after its signature was checked. `origin`, if given, must be its own.

    Raises `VerificationError`: not signed by a known key of that log, altered, or of another log.
    """
    note = parse_note(raw)
    statement = parse_statement(note.text)
    if origin and statement.origin != origin:
        raise VerificationError(f"The checkpoint is of another log: {statement.origin[:200]}.")
    signers = verified_by(note, verifiers)
    if not any(each.name == statement.origin and each.kind == ED25519 for each in signers.values()):
        raise VerificationError("The log itself has not signed its checkpoint.")
    return statement


def parse_proof(raw: str) -> Proof:
    """Read a `.tlog-proof` file; `VerificationError` says what is wrong with it."""
    head, gap, checkpoint = raw.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != _PROOF_HEAD:
        raise VerificationError("This is no tlog-proof.")
    extra, rest = b"", lines[1:]
    try:
        if rest and rest[0].startswith("extra "):
            extra, rest = _decoded(rest[0].removeprefix("extra "), "extra data"), rest[1:]
        path = tuple(_decoded(each, "hash") for each in rest[1:])
    except ValueError as error:
        raise VerificationError(str(error)) from error
    number = rest[0].removeprefix("index ") if rest and rest[0].startswith("index ") else ""
    if not (number.isascii() and number.isdigit()) or len(number) > 19:
        raise VerificationError("The proof does not name an index.")
    if any(len(each) != HASH_SIZE for each in path):
        raise VerificationError("A hash of the proof is no SHA-256 hash.")
    return Proof(int(number), path, checkpoint, extra)


def open_proof(raw: str, *, leaf: bytes, verifiers: Sequence[Verifier], origin: str = "") -> Statement:
    """Check that a leaf hash stands under a signed checkpoint of the log; what that checkpoint states.

    Raises `VerificationError` for a proof of another leaf, a wrong path, a checkpoint of another log.
    """
    proof = parse_proof(raw)
    statement = open_checkpoint(proof.checkpoint, verifiers, origin=origin)
    verify_inclusion(leaf=leaf, index=proof.index, size=statement.size, proof=proof.path, root=statement.root)
    return statement


def _decoded(encoded: str, what: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"A {what} is not base64.") from error


def _refuse_unfit_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(char) < 32 and char != "\n" for char in text):
        raise ValueError("The text of a note ends with a newline and has no control characters.")
