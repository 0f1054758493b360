"""Check a sealed Gatebook report without Gatebook: this one file, Python 3.9 or newer, and nothing else.

    python verify.py REPORT.pdf --key KEY [--checkpoint FILE [--consistency FILE]]

KEY is the log's public key, `name+id+base64`, or a file of such lines. Get it from somewhere that whoever
gave you the report does not control: a colleague, a web archive, an earlier report. CHECKPOINT is a signed
state of the log that you know from elsewhere; the hashes in CONSISTENCY lead from one to the other.
Exit code: 0 it holds, 1 refused (the reason is printed), 2 a bad call.

What is trusted is KEY alone. It signs a checkpoint; the checkpoint covers the ledger entry of the report; the
entry names the digest of the report's body, of every file in it, and of the certificate that seals; the seal
covers every byte of the file. The parts below stand in this order: arithmetic, log, seal, file, verdict.

Sources: RFC 8032 (Ed25519), RFC 8017 (RSA), RFC 9162 (Merkle tree), C2SP signed-note, tlog-checkpoint and
tlog-proof, RFC 5652 (CMS), RFC 3161 (time-stamps), ETSI EN 319 142 (PAdES), ISO 32000 (PDF).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import sys
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timezone
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NamedTuple

PROOFS = ("checkpoint.txt", "consistency.json", "entry.json", "report.tlog-proof")
MOST_FILE, MOST_STREAM, MOST_TABLE = 1 << 30, 1 << 26, 1 << 22


class Refused(Exception):
    """The report does not hold, and why."""


def demand(holds: object, reason: str) -> None:
    """Refuse with the reason unless it holds."""
    if not holds:
        raise Refused(reason)


# --- Arithmetic: Ed25519 (RFC 8032, 5.1) and RSA (RFC 8017, 8.2.2) ---

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]  # x, y, z and x*y/z


def _add(a: Point, b: Point) -> Point:
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, d - c, d + c, f + e
    return (e * f, g * h, f * g, e * h)


def _times(n: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = _add(total, point)
        point, n = _add(point, point), n >> 1
    return total


def _point(raw: bytes) -> Point | None:
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the key has signed the message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, nonce, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or s >= L:
        return False
    k = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, BASE), _add(nonce, _times(k, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # SHA-256


def rsa_holds(modulus: int, exponent: int, message: bytes, signature: bytes) -> bool:
    """Whether the key has signed the message, PKCS #1 v1.5 with SHA-256. At least 2,048 bits."""
    size, number = (modulus.bit_length() + 7) // 8, int.from_bytes(signature, "big")
    if size < 256 or len(signature) != size or number >= modulus:
        return False
    tail = DIGEST_INFO + sha256(message).digest()
    padded = b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail
    return pow(number, exponent, modulus).to_bytes(size, "big") == padded


# --- The log: keys, checkpoints, proofs ---


class Key(NamedTuple):
    """A public key of the log, and the name that it signs under."""

    name: str
    public: bytes

    @property
    def hint(self) -> bytes:
        return sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]


class State(NamedTuple):
    """What a checkpoint states."""

    origin: str
    size: int
    root: bytes


def read_key(text: str) -> Key:
    """Take `name+id+base64` apart; ValueError says what is wrong with it."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise ValueError(f"{text.strip()[:60]!r} is no key: name+id+base64 is one")
    raw = unbase64(parts[2])
    if len(raw) != 33 or raw[0] != 1:
        raise ValueError(f"the key of {parts[0]} is not an Ed25519 key")
    found = Key(parts[0], raw[1:])
    if found.hint.hex() != parts[1]:
        raise ValueError(f"the key of {parts[0]} does not have the id {parts[1]}")
    return found


def unbase64(text: str) -> bytes:
    """ValueError for anything but the one right spelling."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise binascii.Error("not the canonical base64")
    return raw


def open_checkpoint(note: str, keys: list[Key], what: str) -> State:
    """What a signed note states, once a known key has been found to have signed it under the log's name."""
    text, gap, below = note.rpartition("\n\n")
    demand(gap and below.endswith("\n"), f"{what} bears no signature.")
    text += "\n"
    lines = text.split("\n")
    plain = len(lines) >= 4 and lines[0] and re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1], re.ASCII)
    demand(plain, f"{what} does not state name, size and root of a log.")
    state = State(lines[0], int(lines[1]), unbase64(lines[2]))
    known = {(key.name, key.hint): key for key in keys}
    names = {key.name for key in keys}
    demand(state.origin in names, f"{what} is of another log: {state.origin}.")
    signed = False
    for line in below[:-1].split("\n"):
        dash, name, encoded = [*line.split(" "), "", ""][:3]
        raw = unbase64(encoded)
        demand(dash == "—" and len(raw) > 4 and line.count(" ") == 2, f"{what} has a broken signature line.")
        key = known.get((name, raw[:4]))
        if key is not None and name == state.origin:
            holds = ed25519_holds(key.public, text.encode(), raw[4:])
            demand(holds, f"{what}: the signature of {name} does not fit what it states.")
            signed = True
    demand(signed, f"{what} was not signed with a key that you gave.")
    return state


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_by(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that an inclusion path leads to (RFC 9162, 2.1.3.2); None for a path of another length."""
    at, last = index, size - 1
    if not 0 <= index < size:
        return None
    for sibling in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            leaf = _node(sibling, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = _node(leaf, sibling)
        at, last = at >> 1, last >> 1
    return leaf if last == 0 else None


def grew(old: int, old_root: bytes, new: int, new_root: bytes, path: list[bytes]) -> bool:
    """Whether the old tree is the beginning of the new one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return old_root == new_root and not path
    if old == 0:
        return old_root == sha256(b"").digest() and not path
    if not 0 < old < new or not path:
        return False
    hashes = path if old & (old - 1) else [old_root, *path]
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = _node(sibling, first), _node(sibling, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = _node(second, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def read_proof(text: str) -> tuple[int, list[bytes], str]:
    """Index, path and checkpoint of a tlog-proof."""
    head, _gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    number = re.fullmatch(r"index (0|[1-9][0-9]{0,18})", lines[1] if len(lines) > 1 else "", re.ASCII)
    demand(lines[0] == "c2sp.org/tlog-proof@v1" and number, "report.tlog-proof is no tlog-proof.")
    assert number is not None
    path = [unbase64(line) for line in lines[2:]]
    demand(all(len(each) == 32 for each in path), "A hash in report.tlog-proof is no SHA-256.")
    return int(number[1]), path, checkpoint


# --- The seal: DER, certificate, CMS ---


class Der(NamedTuple):
    """One value: its tag, its content, all its bytes, and those behind it."""

    tag: int
    content: bytes
    whole: bytes
    rest: bytes

    def parts(self) -> list[Der]:
        found, rest = [], self.content
        while rest:
            found.append(der(rest))
            rest = found[-1].rest
        return found


def der(raw: bytes) -> Der:
    """Read one value in the one form that DER allows; ValueError for any other."""
    if len(raw) < 2 or raw[0] & 31 == 31:
        raise ValueError("a value of the seal is cut off")
    length, start = raw[1], 2
    if length > 127:
        start += length - 128
        length = int.from_bytes(raw[2:start], "big")
        if not 2 < start <= 6 or length < 128 or raw[2] == 0:
            raise ValueError("a length in the seal is not DER")
    if start + length > len(raw):
        raise ValueError("a value of the seal is cut off")
    end = start + length
    return Der(raw[0], raw[start:end], raw[:end], raw[end:])


def enc(tag: int, *parts: bytes) -> bytes:
    """Write one value in DER."""
    content = b"".join(parts)
    size = len(content)
    more = size.to_bytes((size.bit_length() + 7) // 8, "big") if size > 127 else b""
    return bytes([tag, 128 + len(more) if more else size]) + more + content


def _oid(text: str) -> bytes:
    return enc(0x06, bytes.fromhex(text))


SHA256 = enc(0x30, _oid("608648016503040201"), b"\x05\x00")
RSA_SHA256 = enc(0x30, _oid("2a864886f70d01010b"), b"\x05\x00")
RSA = enc(0x30, _oid("2a864886f70d010101"), b"\x05\x00")
DATA, SIGNED_DATA = _oid("2a864886f70d010701"), _oid("2a864886f70d010702")
TST_INFO = _oid("2a864886f70d0109100104")
CONTENT_TYPE, MESSAGE_DIGEST = _oid("2a864886f70d010903"), _oid("2a864886f70d010904")
CERTIFICATE_V2, TIME_STAMP = _oid("2a864886f70d010910022f"), _oid("2a864886f70d010910020e")


@dataclass(frozen=True)
class Certificate:
    """What of a certificate matters here."""

    raw: bytes
    serial: bytes
    issuer: bytes
    since: datetime
    until: datetime
    modulus: int
    exponent: int

    @property
    def digest(self) -> str:
        return sha256(self.raw).hexdigest()


def read_certificate(raw: bytes) -> Certificate:
    """Take a certificate apart. Refused if its key is not an RSA key."""
    fields = der(raw).parts()[0].parts()
    fields = fields[1:] if fields[0].tag == 0xA0 else fields
    serial, _algorithm, issuer, validity, _subject, public = fields[:6]
    algorithm, bits = public.parts()
    demand(algorithm.whole == RSA and bits.content[:1] == b"\x00", "The seal's key is not an RSA key.")
    modulus, exponent = (int.from_bytes(part.content, "big") for part in der(bits.content[1:]).parts())
    since, until = (_moment(part) for part in validity.parts())
    return Certificate(raw, serial.whole, issuer.whole, since, until, modulus, exponent)


def _moment(value: Der) -> datetime:
    text = value.content.decode("ascii")
    if value.tag == 0x17:  # two digits of the year: 50 and more are of the last century
        text = ("19" if text >= "50" else "20") + text
    shape = "%Y%m%d%H%M%S.%fZ" if "." in text else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text, shape).replace(tzinfo=timezone.utc)  # noqa: UP017  # Python 3.9 knows no UTC


@dataclass(frozen=True)
class Seal:
    """A signature that holds over the file: by whom, with which further certificates, stamped when."""

    certificate: Certificate
    others: list[str]
    stamped: datetime | None


def open_seal(raw: bytes, signed: bytes) -> Seal:
    """Check a detached CMS signature over `signed`. So that no byte of it can be changed, it is written anew
    from its parts and compared.
    """
    body = der(der(raw).parts()[1].content).parts()
    demand(len(body) == 5 and body[3].tag == 0xA0, "The seal is not built as a seal is.")
    chain = [read_certificate_or_none(part) for part in body[3].parts()]
    [signer] = body[4].parts()
    fields = signer.parts()
    own = [each for each in chain if each and fields[1].whole == enc(0x30, each.issuer, each.serial)]
    demand(len(own) == 1, "The seal does not hold the certificate of who made it.")
    [certificate] = own
    attributes, signature = fields[3], fields[5].content
    unsigned = fields[6:]
    info = enc(
        0x30,
        enc(0x02, b"\x01"),
        enc(0x30, certificate.issuer, certificate.serial),
        SHA256,
        enc(0xA0, attributes.content),
        RSA_SHA256,
        enc(0x04, signature),
        *(part.whole for part in unsigned),
    )
    parts = (enc(0x02, b"\x01"), enc(0x31, SHA256), enc(0x30, DATA), body[3].whole, enc(0x31, info))
    expected = enc(0x30, SIGNED_DATA, enc(0xA0, enc(0x30, *parts)))
    demand(expected == raw, "The seal is not built as a seal is.")
    said = read_attributes(attributes)
    demand(said.get(CONTENT_TYPE) == DATA, "The seal is not over data.")
    demand(
        said.get(MESSAGE_DIGEST) == enc(0x04, sha256(signed).digest()),
        "The file was changed after it was sealed: its bytes do not have the digest that the seal names.",
    )
    bound = der(said[CERTIFICATE_V2]).parts()[0].parts()[0].parts()[0]
    demand(
        bound.content == sha256(certificate.raw).digest(), "The seal names another certificate than its own."
    )
    holds = rsa_holds(certificate.modulus, certificate.exponent, enc(0x31, attributes.content), signature)
    demand(holds, "The seal was not made with the key of its certificate, or was changed.")
    others = [sha256(part.whole).hexdigest() for part in body[3].parts() if part.whole != certificate.raw]
    return Seal(certificate, others, open_stamp(unsigned, signature) if unsigned else None)


def read_certificate_or_none(part: Der) -> Certificate | None:
    """Authorities may use keys that are not read here: they are known by their digest."""
    try:
        return read_certificate(part.whole)
    except Refused:
        return None


def read_attributes(attributes: Der) -> dict[bytes, bytes]:
    """Each attribute's one value."""
    found = {}
    for attribute in attributes.parts():
        kind, values = attribute.parts()
        [value] = values.parts()
        demand(kind.whole not in found, "The seal says one thing twice.")
        found[kind.whole] = value.whole
    return found


def open_stamp(unsigned: list[Der], signature: bytes) -> datetime:
    """The time in a time-stamp of the seal's signature. Who made the stamp is not judged here."""
    demand(len(unsigned) == 1 and unsigned[0].tag == 0xA1, "The seal holds what it should not.")
    token = read_attributes(unsigned[0]).get(TIME_STAMP)
    demand(token and len(unsigned[0].parts()) == 1, "The seal holds what it should not.")
    assert token is not None
    body = der(der(token).parts()[1].content).parts()
    kind, content = body[2].parts()
    demand(kind.whole == TST_INFO, "The time-stamp is none.")
    info = der(content.content).content
    fields = der(info).parts()
    imprint = enc(0x30, SHA256, enc(0x04, sha256(signature).digest()))
    short = enc(0x30, enc(0x30, _oid("608648016503040201")), enc(0x04, sha256(signature).digest()))
    demand(fields[2].whole in (imprint, short), "The time-stamp is of something else.")
    chain = [found for part in body[3].parts() if (found := read_certificate_or_none(part))]
    signer = body[-1].parts()[0].parts()
    said = read_attributes(signer[3])
    demand(said.get(MESSAGE_DIGEST) == enc(0x04, sha256(info).digest()), "The time-stamp was changed.")
    own = [each for each in chain if signer[1].whole == enc(0x30, each.issuer, each.serial)]
    demand(own, "The time-stamp is signed in a way that is not read here (RSA with SHA-256 is).")
    holds = rsa_holds(own[0].modulus, own[0].exponent, enc(0x31, signer[3].content), signer[5].content)
    demand(holds, "The time-stamp was changed.")
    return _moment(fields[4])


# --- The file: as much of PDF as a sealed report has ---


class Ref(NamedTuple):
    """A reference to an object."""

    number: int


class Name(str):
    """A name, without its slash."""

    __slots__ = ()


@dataclass(frozen=True)
class Stream:
    """A dictionary, and bytes."""

    head: dict[str, Any]
    raw: bytes

    def content(self) -> bytes:
        """Inflated, unpredicted."""
        if "Filter" not in self.head:
            return self.raw
        if self.head["Filter"] not in ("FlateDecode", ["FlateDecode"]):
            raise ValueError(f"a stream is packed by {self.head['Filter']}")
        inflater = zlib.decompressobj()
        data = inflater.decompress(self.raw, MOST_STREAM)
        if not inflater.eof:
            raise ValueError("a stream is cut off or too large")
        how = self.head.get("DecodeParms") or {}
        return _unpredicted(data, how["Columns"]) if how.get("Predictor", 1) == 12 else data


def _unpredicted(data: bytes, columns: int) -> bytes:
    if not 0 < columns < 32 or len(data) > MOST_TABLE:
        raise ValueError("a table is larger than a report's")
    row, out = bytearray(columns), bytearray()
    for at in range(0, len(data), columns + 1):
        if data[at] != 2:
            raise ValueError("a table is packed in a way that is not read here")
        row = bytearray((old + new) & 255 for old, new in zip(row, data[at + 1 : at + columns + 1]))  # noqa: B905
        out += row
    return bytes(out)


SPACE = re.compile(rb"(?:[\0\t\n\f\r ]|%[^\r\n]*)*")
REFERENCE = re.compile(rb"(\d+)[\0\t\n\f\r ]+(\d+)[\0\t\n\f\r ]+R(?![^\0\t\n\f\r \[\]<>()/%{}])")
TOKEN = re.compile(rb"[^\0\t\n\f\r \[\]<>()/%{}]+")
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


class Parser:
    """Reads values off bytes, from a place on."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def space(self) -> None:
        self.at = SPACE.match(self.data, self.at).end()  # type: ignore[union-attr]  # it fits the empty text too

    def take(self, word: bytes) -> bool:
        """Whether the word stands here; if so, go behind it."""
        self.space()
        if not self.data.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def value(self) -> Any:
        if self.take(b"<<"):
            found: dict[str, Any] = {}
            while not self.take(b">>"):
                key = self.value()
                if not isinstance(key, Name) or key in found:
                    raise ValueError("a dictionary has a key that is none, or twice")
                found[str(key)] = self.value()
            return found
        if self.take(b"["):
            row = []
            while not self.take(b"]"):
                row.append(self.value())
            return row
        if self.take(b"<"):
            end = self.data.index(b">", self.at)
            digits, self.at = re.sub(rb"[\0\t\n\f\r ]", b"", self.data[self.at : end]), end + 1
            return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
        if self.take(b"("):
            return self._text()
        if self.take(b"/"):
            token = TOKEN.match(self.data, self.at)
            self.at = token.end() if token else self.at
            raw = re.sub(
                rb"#([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()), token[0] if token else b""
            )
            return Name(raw.decode("latin-1"))
        return self._plain()

    def _plain(self) -> Any:
        if reference := REFERENCE.match(self.data, self.at):
            self.at = reference.end()
            return Ref(int(reference[1]))
        token = TOKEN.match(self.data, self.at)
        if token is None:
            raise ValueError(f"there is no value at byte {self.at}")
        self.at = token.end()
        words = {b"true": True, b"false": False, b"null": None}
        if token[0] in words:
            return words[token[0]]
        return float(token[0]) if b"." in token[0] else int(token[0])

    def _text(self) -> bytes:
        out, depth = bytearray(), 1
        while True:
            char = self.data[self.at : self.at + 1]
            self.at += 1
            if char == b"\\":
                out += self._escape()
                continue
            depth += (char == b"(") - (char == b")")
            if not char or not depth:
                break
            out += char
        if depth:
            raise ValueError("a text does not end")
        return bytes(out)

    def _escape(self) -> bytes:
        if octal := re.compile(rb"[0-7]{1,3}").match(self.data, self.at):
            self.at = octal.end()
            return bytes([int(octal[0], 8) & 255])
        char = self.data[self.at : self.at + 1]
        self.at += 2 if self.data[self.at : self.at + 2] == b"\r\n" else 1
        return b"" if char in b"\r\n" else ESCAPES.get(char, char)

    def object(self) -> tuple[int, Any]:
        """An object with its number, at this very place."""
        head = re.compile(rb"(\d+) 0 obj\b").match(self.data, self.at)
        if head is None:
            raise ValueError(f"there is no object at byte {self.at}")
        self.at = head.end()
        value = self.value()
        if self.take(b"stream"):
            self.at += 2 if self.data[self.at : self.at + 2] == b"\r\n" else 1
            end = self.at + value["Length"]
            value, self.at = Stream(value, self.data[self.at : end]), end
            if end > len(self.data) or not self.take(b"endstream"):
                raise ValueError("a stream does not end where it says")
        if not self.take(b"endobj"):
            raise ValueError(f"an object does not end at byte {self.at}")
        return int(head[1]), value


@dataclass
class Revision:
    """A table of objects: where each begins, or in which stream of objects it is."""

    trailer: dict[str, Any]
    start: int
    number: int
    places: dict[int, tuple[int, int, int]]


@dataclass
class Pdf:
    """A file of two revisions: the body, and what sealing added."""

    data: bytes
    revisions: list[Revision] = field(default_factory=list)
    objects: dict[tuple[int, int], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        demand(self.data.startswith(b"%PDF-1.7\n"), "This is no report: a PDF begins otherwise.")
        end = re.search(rb"\nstartxref\n(\d{1,10})\n%%EOF\n?\Z", self.data[-64:])
        demand(end, "The file is cut off, or something was added behind its end.")
        assert end is not None
        at: int | None = int(end[1])
        while at is not None and len(self.revisions) < 3:
            self.revisions.append(self._revision(at))
            at = self.revisions[-1].trailer.get("Prev")
        demand(len(self.revisions) > 1, "The report is not sealed: nothing follows its body.")
        demand(
            len(self.revisions) == 2, "The file was changed after it was sealed: a further revision follows."
        )

    def _revision(self, at: int) -> Revision:
        number, table = Parser(self.data, at).object()
        head = table.head
        widths, content = head["W"], table.content()
        index = head.get("Index", [0, head["Size"]])
        numbers = [n for i in range(0, len(index), 2) for n in range(index[i], index[i] + index[i + 1])]
        step, places = sum(widths), {}
        if len(content) != step * len(numbers):
            raise ValueError("a table of objects has another length than it says")
        for row, each in enumerate(numbers):
            cells, place = [], row * step
            for width in widths:
                cells.append(int.from_bytes(content[place : place + width], "big"))
                place += width
            if cells[0]:
                places[each] = (cells[0], cells[1], cells[2])
        return Revision(head, at, number, places)

    def get(self, value: Any, *, since: int = 0) -> Any:
        """What a reference names, in the whole file (0) or in the body alone (1); other values stay."""
        if not isinstance(value, Ref):
            return value
        for nth in range(since, 2):
            place = self.revisions[nth].places.get(value.number)
            if place is not None:
                if (nth, value.number) not in self.objects:
                    self.objects[nth, value.number] = self._read(nth, value.number, place)
                return self.objects[nth, value.number]
        raise ValueError(f"object {value.number} is missing")

    def _read(self, nth: int, number: int, place: tuple[int, int, int]) -> Any:
        kind, where, at = place
        if kind == 1:
            found, value = Parser(self.data, where).object()
        else:
            holder = self.get(Ref(where), since=nth)
            content = holder.content()
            pairs = [int(each) for each in content[: holder.head["First"]].split()]
            found, value = pairs[2 * at], Parser(content, holder.head["First"] + pairs[2 * at + 1]).value()
        if found != number:
            raise ValueError(f"object {found} stands where object {number} should")
        return value

    def root(self, since: int = 0) -> dict[str, Any]:
        return self.get(self.revisions[since].trailer["Root"], since=since)  # type: ignore[no-any-return]

    def files(self, since: int = 0) -> dict[str, Ref]:
        """The embedded files by name."""
        tree = self.get(self.root(since)["Names"]["EmbeddedFiles"], since=since)["Names"]
        names = [text(each) for each in tree[::2]]
        demand(len(set(names)) == len(names) and set(tree[1::2]), "Two files of the report have one name.")
        return dict(zip(names, tree[1::2]))  # noqa: B905  # nor does it know `strict`

    def content(self, reference: Ref) -> bytes:
        """What an embedded file holds."""
        spec = self.get(reference)
        demand(set(spec["EF"].values()) == {spec["EF"]["F"]}, "An attachment is two files at once.")
        return self.get(spec["EF"]["F"]).content()  # type: ignore[no-any-return]


def text(raw: bytes) -> str:
    """A text of PDF."""
    return raw[2:].decode("utf-16-be") if raw.startswith(b"\xfe\xff") else raw.decode("latin-1")


def open_signature(pdf: Pdf) -> Seal:
    """The one signature of the file, which must cover all of it but itself."""
    root, data = pdf.root(), pdf.data
    fields = (pdf.get(root.get("AcroForm")) or {}).get("Fields", [])
    demand(len(fields) == 1, "The report does not have exactly one signature field.")
    place = pdf.get(fields[0]).get("V")
    demand(place is not None, "The report bears no signature.")
    signature = pdf.get(place)
    demand(
        data.count(b"/ByteRange") == 1 and signature["SubFilter"] == "ETSI.CAdES.detached",
        "The report does not have exactly one PAdES signature.",
    )
    zero, gap, behind, rest = signature["ByteRange"]
    covered = zero == 0 and 0 < gap < behind and behind + rest == len(data)
    demand(covered, "The signature does not cover the whole file.")
    hole, before = data[gap:behind], data[:gap].rstrip(b" ")
    _number, _kind, start = place.number, *pdf.revisions[0].places[place.number][:2]
    inside = start < gap and b"endobj" not in data[start:behind] and before.endswith(b"/Contents")
    demand(inside, "The signature leaves out other bytes than its own.")
    digits = re.fullmatch(rb"<((?:[0-9A-F]{2})+)>", hole)
    demand(digits, "The signature is not written as it has to be, in upper-case hexadecimal digits.")
    assert digits is not None
    raw = bytes.fromhex(digits[1].decode())
    whole = der(raw)
    demand(not whole.rest.strip(b"\0"), "Something is hidden behind the signature.")
    demand(raw == signature["Contents"], "The signature is written twice.")
    return open_seal(whole.whole, data[:gap] + data[behind:])


def changes_nothing(pdf: Pdf, end_of_body: int) -> None:
    """What sealing added is the proofs and the signature, and no page looks otherwise than in the body.

    Every byte behind the body must belong to an object of the table, and of the body's objects only four may
    be written anew: the catalogue, the list of files, its array, and the field.
    """
    new, old = pdf.revisions
    demand(
        old.start < end_of_body <= min(place[1] for place in new.places.values()), "The body ends elsewhere."
    )
    reader, found = Parser(pdf.data, end_of_body), {}
    while reader.at < new.start:
        reader.space()
        start = reader.at
        found[reader.object()[0]] = (1, start, 0)
    reader.space()
    tail = pdf.data[reader.at :].split()
    listed = {**new.places, new.number: (1, new.start, 0)}
    demand(
        found == listed and tail[:1] == [b"startxref"] and len(tail) == 3,
        "Something is hidden behind the body.",
    )
    kept = ("Root", "Info")
    demand(all(new.trailer.get(key) == old.trailer.get(key) for key in kept), "The report has another root.")
    before, after = pdf.root(1), pdf.root()
    allowed = {"AcroForm", "Extensions", "Perms", "DSS"}
    same = {key: value for key, value in after.items() if key not in allowed}
    demand(
        same == {key: value for key, value in before.items() if key not in allowed},
        "The catalogue was changed.",
    )
    form, form_before = pdf.get(after["AcroForm"]), pdf.get(before["AcroForm"], since=1)
    demand(form == form_before, "The form was changed.")
    [place] = form["Fields"]
    tree = before["Names"]["EmbeddedFiles"]
    may = {new.trailer["Root"].number, tree.number, before["AF"].number, place.number}
    first_new = max(old.places) + 1
    changed = {number for number in found if number < first_new and number in old.places} - may
    demand(
        not changed, f"Sealing may add proofs, but object {min(changed, default=0)} of the body was replaced."
    )
    field_now, field_then = pdf.get(place), pdf.get(place, since=1)
    for each in ("V", "AP"):
        field_now, field_then = _without(field_now, each), _without(field_then, each)
    demand(field_now == field_then, "The signature field was changed.")
    picture = pdf.get(pdf.get(place)["AP"]["N"])
    empty = not picture.content().translate(None, b"qQ \n") and not picture.head.get("Resources")
    demand(empty, "The signature draws something over the page.")
    files, files_before = pdf.files(), pdf.files(1)
    added = {name: files[name] for name in files if files_before.get(name) != files[name]}
    demand(
        tuple(sorted(added)) == PROOFS and len(files) == len(files_before) + 4,
        "The attachments were changed.",
    )
    linked = pdf.get(before["AF"], since=1) + [added[name] for name in sorted(added)]
    demand(sorted(pdf.get(after["AF"])) == sorted(linked), "The list of attachments was changed.")


def _without(record: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != key}


# --- The verdict ---


@dataclass(frozen=True)
class Holds:
    """A report that holds, in lines for people."""

    index: int
    state: State
    lines: list[tuple[str, str]]
    notes: list[str]

    def __str__(self) -> str:
        rows = [f"  {name:<12}{said}" for name, said in self.lines]
        return "\n".join(["The report holds.", *rows, *(f"  Note: {note}" for note in self.notes)])


def verify(data: bytes, keys: list[Key], checkpoint: str = "", consistency: str = "") -> Holds:
    """Check the bytes of a report against the log's keys, and against a checkpoint known from elsewhere.

    Raises Refused with the reason.
    """
    try:
        return _verify(data, keys, checkpoint, consistency)
    except KeyError as error:
        raise Refused(f"The file is not built as a sealed report is: {error!s:.200} is missing.") from error
    except (ValueError, IndexError, TypeError, AttributeError, AssertionError) as error:
        raise Refused(f"The file is not built as a sealed report is: {error!s:.200}.") from error
    except (zlib.error, RecursionError, OverflowError, MemoryError) as error:
        raise Refused(f"The file is damaged: {error!s:.200}.") from error


def _verify(data: bytes, keys: list[Key], checkpoint: str, consistency: str) -> Holds:
    pdf = Pdf(data)
    files = pdf.files()
    missing = [name for name in PROOFS if name not in files]
    demand(not missing, f"The report lacks {', '.join(missing)}: it carries no proof.")
    given = {name: pdf.content(reference) for name, reference in files.items()}

    seal = open_signature(pdf)
    entry, leaf, said = read_entry(given["entry.json"])
    index, path, embedded = read_proof(given["report.tlog-proof"].decode())
    demand(
        embedded == given["checkpoint.txt"].decode(),
        "The proof and checkpoint.txt are not of one checkpoint.",
    )
    state = open_checkpoint(embedded, keys, "The checkpoint in the report")
    demand(
        index == leaf["index"], f"The proof is of entry {index}, not of entry {leaf['index']}, the report's."
    )
    root = root_by(sha256(b"\x00" + entry["leaf"].encode()).digest(), index, state.size, path)
    demand(root == state.root, f"The proof does not lead from entry {index} to the root of the checkpoint.")

    compare_with_entry(data, given, said, seal, moment=seal.stamped or _time(leaf["time"]))
    changes_nothing(pdf, said["body"]["bytes"])
    then = compare_evidence(given, said, state)
    notes = compare_checkpoint(state, then, keys, checkpoint, consistency) if checkpoint else []
    notes += attestations(given, keys)
    until = f"{seal.certificate.since:%Y-%m-%d} to {seal.certificate.until:%Y-%m-%d}"
    stamp = f", time-stamped {seal.stamped:%Y-%m-%d %H:%M} UTC" if seal.stamped else ""
    return Holds(
        index,
        state,
        [
            ("report", f"{said['kind']} {said['report']}, as of {said['as_of']}"),
            ("file", f"{len(data):,} bytes, SHA-256 {sha256(data).hexdigest()}"),
            ("seal", f"over every byte, certificate {seal.certificate.digest}, valid {until}{stamp}"),
            ("entry", f"{index} of the ledger, recorded {leaf['time']}"),
            ("checkpoint", f"{state.origin}, {state.size} entries, root {state.root.hex()}"),
            ("evidence", f"of the ledger's first {then.size}, which the checkpoint continues"),
            ("attached", f"{len(given)} files, each as the entry and the seal name it"),
        ],
        notes,
    )


def read_entry(raw: bytes) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
    """The ledger entry of the sealing: as it is kept, its leaf, and what it says."""
    entry = json.loads(raw)
    leaf, body = json.loads(entry["leaf"]), json.loads(entry["body"])
    demand(
        leaf["v"] == 1 and leaf["action"] == "report.sealed",
        "The entry is not about a report that was sealed.",
    )
    hashed = sha256(bytes.fromhex(entry["salt"]) + entry["body"].encode()).hexdigest()
    demand(hashed == leaf["payload_hash"], "The entry's words are not those that were recorded.")
    said = body["detail"]
    own = leaf["subject_type"] == "reports.report" and leaf["subject_id"] == str(said["report"])
    demand(own, "The entry is about another record.")
    return entry, leaf, said


def compare_with_entry(
    data: bytes, given: dict[str, bytes], said: dict[str, Any], seal: Seal, moment: datetime
) -> None:
    """Body, files and certificate are those that the entry names, and the certificate was valid then."""
    size = said["body"]["bytes"]
    same = 0 < size < len(data) and sha256(data[:size]).hexdigest() == said["body"]["sha256"]
    demand(same, "The entry is of another report: the body does not have the digest that was recorded.")
    demand(
        seal.certificate.digest == said["certificate"]
        and sorted(seal.others) == sorted(said.get("chain", [])),
        "The report was sealed by somebody else: the entry names another certificate.",
    )
    extra = sorted(set(given) - set(said["files"]) - set(PROOFS))
    demand(not extra, f"The file {', '.join(extra)} was not in the report when it was sealed.")
    for name, digest in said["files"].items():
        demand(name in given, f"The file {name} was taken out of the report.")
        demand(sha256(given[name]).hexdigest() == digest, f"The file {name} was exchanged.")
    demand(
        said["files"].get("evidence.json") == said["evidence"],
        "The entry names two digests of evidence.json.",
    )
    valid = seal.certificate.since <= moment <= seal.certificate.until
    demand(
        valid,
        f"The key had expired: its certificate was valid from {seal.certificate.since:%Y-%m-%d} to "
        f"{seal.certificate.until:%Y-%m-%d}, and the seal is of {moment:%Y-%m-%d}.",
    )


def compare_evidence(given: dict[str, bytes], said: dict[str, Any], state: State) -> State:
    """What the report shows of the ledger stands under its root, and the checkpoint continues that tree."""
    ledger = json.loads(given["evidence.json"])["ledger"]
    size, root = ledger["size"], bytes.fromhex(ledger["root"])
    demand(
        (size, ledger["root"]) == (said["size"], said["root"]),
        "The evidence is of another state of the ledger.",
    )
    for entry in ledger["entries"]:
        path = [bytes.fromhex(each) for each in entry["proof"]]
        found = root_by(bytes.fromhex(entry["leaf_hash"]), entry["leaf_index"], size, path)
        demand(found == root, f"Entry {entry['leaf_index']} of the evidence does not stand under its root.")
    grown = json.loads(given["consistency.json"])
    path = [bytes.fromhex(each) for each in grown["proof"]]
    demand(
        grew(size, root, state.size, state.root, path), "The ledger was rewritten after the report's moment."
    )
    return State(state.origin, size, root)


def compare_checkpoint(
    state: State, then: State, keys: list[Key], checkpoint: str, consistency: str
) -> list[str]:
    """The state that the reader knows from elsewhere is one of the same history."""
    known = open_checkpoint(checkpoint, keys, "The checkpoint that you gave")
    demand(known.origin == state.origin, f"The checkpoint that you gave is of another log: {known.origin}.")
    for each in (state, then):
        forked = each.size == known.size and each.root != known.root
        demand(not forked, f"The log has forked: there are two roots for its first {known.size} entries.")
        if each.size == known.size:
            return []
    if not consistency:
        return [
            (
                f"the checkpoint that you gave ({known.size} entries) is of the same log. That one continues "
                f"the other ({state.size} entries) is shown by --consistency FILE."
            )
        ]
    path = [bytes.fromhex(line) for line in consistency.split()]
    old, new = sorted((state, known), key=lambda each: each.size)
    same = grew(old.size, old.root, new.size, new.root, path)
    demand(same, "The log was rewritten: neither checkpoint continues the other.")
    return []


def attestations(given: dict[str, bytes], keys: list[Key]) -> list[str]:
    """DSSE envelopes in the report: those of known keys must hold."""
    known = {sha256(key.public).hexdigest(): key for key in keys}
    notes = []
    for name in sorted(given):
        if not name.endswith(".dsse.json"):
            continue
        envelope = json.loads(given[name])
        kind, payload = envelope["payloadType"].encode(), base64.b64decode(envelope["payload"], validate=True)
        message = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        for signature in envelope["signatures"]:
            key = known.get(signature["keyid"])
            if key is None:
                notes.append(f"{name} is signed by a key that you did not give.")
                continue
            holds = ed25519_holds(key.public, message, base64.b64decode(signature["sig"], validate=True))
            demand(holds, f"The signature of {name} does not fit it.")
    return notes


def _time(said: str) -> datetime:
    return datetime.strptime(said, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)  # noqa: UP017  # Python 3.9 knows no UTC


def _read(path: Path) -> bytes:
    if path.stat().st_size > MOST_FILE:
        raise ValueError(f"{path} is larger than a report is")
    return path.read_bytes()


def _keys(given: list[str]) -> list[Key]:
    lines: list[str] = []
    for each in given:
        is_key = each.count("+") >= 2 and not Path(each).is_file()
        lines += [each] if is_key else Path(each).read_text(encoding="utf-8").splitlines()
    lines = [line.partition("  #")[0].strip() for line in lines]  # as `manage ledger keys` remarks
    return [read_key(line) for line in lines if line]


def main(arguments: list[str] | None = None) -> int:
    """Exit codes: 0 it holds, 1 refused, 2 a bad call."""
    parser = argparse.ArgumentParser(description="Check a sealed Gatebook report, offline.")
    parser.add_argument("report", type=Path, help="the PDF")
    parser.add_argument(
        "--key", action="append", required=True, help="the log's public key, or a file of keys"
    )
    parser.add_argument(
        "--checkpoint", type=Path, help="a checkpoint of the log that you know from elsewhere"
    )
    parser.add_argument("--consistency", type=Path, help="hashes that lead from one checkpoint to the other")
    options = parser.parse_args(arguments)
    try:
        keys, data = _keys(options.key), _read(options.report)
        checkpoint = options.checkpoint.read_text(encoding="utf-8") if options.checkpoint else ""
        consistency = options.consistency.read_text(encoding="utf-8") if options.consistency else ""
    except (OSError, ValueError) as error:
        print(f"Bad call: {error}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        print(verify(data, keys, checkpoint, consistency))  # noqa: T201
    except Refused as reason:
        print(f"Refused: {reason}")  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
