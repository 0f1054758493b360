"""Signatures of models after the OpenSSF model signing specification 1.0, by keys that are trusted here.

A signature is a Sigstore bundle with a DSSE envelope over an in-toto statement that lists every file with its
SHA-256. It is verified when its envelope is signed by one of the public keys and its list is exactly the
manifest that was read: a signature that covers less covers nothing. Certificates and Sigstore's keyless
signatures are not looked at, since they need a decision on whom to trust.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)
from django.utils.translation import gettext as _

from lifecycle.artifacts.manifests import Manifest

PREDICATE = "https://model_signing/signature/v1.0"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MOST_BYTES = 16 * 1024**2
_HASHES: dict[int, type[hashes.HashAlgorithm]] = {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}
_KEY_FILES = (".pem", ".pub")


@dataclass(frozen=True)
class TrustedKey:
    """A public key of the installation; `name` is that of its file."""

    name: str
    key: ec.EllipticCurvePublicKey

    @property
    def digest(self) -> str:
        """SHA-256 of the key as PEM, which a bundle names as its hint."""
        pem = self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(pem).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """What a signature is worth: `verified`, `failed`, `unknown_key` or `unreadable`, with the reason."""

    state: str
    text: str
    key_name: str = ""
    key_digest: str = ""


def trusted_keys(folder: Path | None) -> list[TrustedKey]:
    """The EC keys in a folder (`*.pem`, `*.pub`), by name; ValueError names a file that is none."""
    if folder is None:
        return []
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix not in _KEY_FILES:
            continue
        try:
            key = load_pem_public_key(path.read_bytes())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(f"{path.name} is no public key in PEM.") from error
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.key_size not in _HASHES:
            raise ValueError(f"{path.name} is no key on P-256, P-384 or P-521.")
        found.append(TrustedKey(path.stem, key))
    return found


def verify(bundle: bytes, manifest: Manifest, keys: Iterable[TrustedKey]) -> Verdict:
    """What a bundle says of exactly this manifest."""
    try:
        hint, payload, signature = _parts(bundle)
        statement = json.loads(payload)
        signed = _listed(statement)
    except _Unreadable as error:
        return Verdict("unreadable", str(error))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, binascii.Error):
        return Verdict("unreadable", _("The signature file is no bundle of OpenSSF model signing."))
    known = [key for key in keys if not hint or key.digest == hint]
    if not known:
        return Verdict("unknown_key", _("It is signed by a key that is not trusted here."))
    signer = next((key for key in known if _signed_by(key, payload, signature)), None)
    if signer is None:
        return Verdict("failed", _("The signature does not fit what it is about."))
    named = {"key_name": signer.name, "key_digest": signer.digest}
    here = {item.name: item.digest for item in manifest.items}
    if signed != here:
        return Verdict("failed", _difference(signed, here), **named)
    text = _("Signed by %(key)s, every file of it.") % {"key": signer.name}
    return Verdict("verified", text, **named)


class _Unreadable(Exception):
    """A signature of a kind that is not looked at."""


def _parts(bundle: bytes) -> tuple[str, bytes, bytes]:
    """Hint of the key, payload and signature."""
    if len(bundle) > MOST_BYTES:
        raise _Unreadable(_("The signature file is too large."))
    parsed: dict[str, Any] = json.loads(bundle)
    material = parsed["verificationMaterial"]
    if "publicKey" not in material:
        raise _Unreadable(_("Only signatures by a key are looked at, none by a certificate or an identity."))
    envelope = parsed["dsseEnvelope"]
    if envelope["payloadType"] != PAYLOAD_TYPE or len(envelope["signatures"]) != 1:
        raise _Unreadable(_("The signature holds something else than one in-toto statement."))
    payload = base64.b64decode(envelope["payload"], validate=True)
    signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
    return str(material["publicKey"].get("hint", "")), payload, signature


def _listed(statement: dict[str, Any]) -> dict[str, str]:
    """The files that a statement lists, by name."""
    if statement["predicateType"] != PREDICATE:
        raise _Unreadable(_("The statement is none of model signing 1.0."))
    predicate = statement["predicate"]
    how = predicate["serialization"]
    if how["method"] != "files" or how["hash_type"] != "sha256":
        words = {"method": how["method"], "hash": how["hash_type"]}
        raise _Unreadable(_("Only whole files by SHA-256 are compared, not %(method)s by %(hash)s.") % words)
    resources = predicate["resources"]
    found = {str(each["name"]): str(each["digest"]) for each in resources}
    whole = hashlib.sha256(b"".join(bytes.fromhex(each["digest"]) for each in resources)).hexdigest()
    if len(found) != len(resources) or statement["subject"][0]["digest"]["sha256"] != whole:
        raise _Unreadable(_("The statement contradicts itself."))
    return found


def _signed_by(trusted: TrustedKey, payload: bytes, signature: bytes) -> bool:
    kind = PAYLOAD_TYPE.encode()
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    try:
        trusted.key.verify(signature, message, ec.ECDSA(_HASHES[trusted.key.curve.key_size]()))
    except InvalidSignature:
        return False
    return True


def _difference(signed: dict[str, str], here: dict[str, str]) -> str:
    changed = sorted(name for name in signed.keys() & here.keys() if signed[name] != here[name])
    parts = [
        (_("changed since it was signed: %(names)s"), changed),
        (_("not signed: %(names)s"), sorted(here.keys() - signed.keys())),
        (_("signed, but not there: %(names)s"), sorted(signed.keys() - here.keys())),
    ]
    said = [text % {"names": ", ".join(names[:5])} for text, names in parts if names]
    return _("The signature is of another model: %(what)s.") % {"what": "; ".join(said)}
