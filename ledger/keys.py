"""The installation's Ed25519 key: it signs checkpoints and attestations, and its public half stays for ever.

The private half is where the settings say: in `GATEBOOK_SIGNING_KEY` (PEM), on a token (`pkcs11:…`), or in a
file that the first use makes with mode 0600. The database knows public halves alone.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from ledger.actions import LedgerAction
from ledger.actors import Actor, SystemActor
from ledger.errors import Invalid, Refused
from ledger.models import SigningKey
from ledger.services import append, hold_ledger

KEEPER = SystemActor("keys")
_EDWARDS_POINT = 32


class Signer(Protocol):
    """Whatever signs with the installation's key. `public` is 32 bytes."""

    @property
    def public(self) -> bytes: ...

    def sign(self, data: bytes) -> bytes:
        """64 bytes of Ed25519."""


class _LocalSigner:
    """A key in memory, read from a file or the environment."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


class _TokenSigner:
    """A key that never leaves its token (PKCS#11). Each signature opens a session of its own."""

    def __init__(self, address: str) -> None:
        self._where = token_of(address)
        self.public = self._read_public()

    def sign(self, data: bytes) -> bytes:
        from pkcs11 import KeyType, Mechanism, ObjectClass  # noqa: PLC0415  (the extra `pkcs11`)

        with self._session() as session:
            key = session.get_key(
                object_class=ObjectClass.PRIVATE_KEY, key_type=KeyType.EC_EDWARDS, label=self._where["object"]
            )
            return bytes(key.sign(data, mechanism=Mechanism.EDDSA))

    def _read_public(self) -> bytes:
        from pkcs11 import Attribute, KeyType, ObjectClass  # noqa: PLC0415  (the extra `pkcs11`)

        with self._session() as session:
            key = session.get_key(
                object_class=ObjectClass.PUBLIC_KEY, key_type=KeyType.EC_EDWARDS, label=self._where["object"]
            )
            point = bytes(key[Attribute.EC_POINT])
        return point[-_EDWARDS_POINT:]  # tokens wrap it in an OCTET STRING or do not

    @contextmanager
    def _session(self) -> Iterator[Any]:
        import pkcs11  # noqa: PLC0415  (the extra `pkcs11`)

        token = pkcs11.lib(self._where["module-path"]).get_token(token_label=self._where["token"])
        with token.open(user_pin=self._where["pin-value"]) as session:
            yield session


def signer() -> Signer:
    """What signs now. Makes the key file at its first use.

    Raises ImproperlyConfigured for a setting that is no Ed25519 key and for a token that does not open.
    """
    given = settings.GATEBOOK_SIGNING_KEY
    if given.startswith("pkcs11:"):
        return _token_signer(given)
    if given:
        return _LocalSigner(_read_pem(given.encode(), "GATEBOOK_SIGNING_KEY"))
    path = key_file()
    if not path.exists():
        _write_once(path, Ed25519PrivateKey.generate())
    return _LocalSigner(_read_pem(path.read_bytes(), str(path)))


def key_file() -> Path:
    """Where the key lies unless a setting gives it."""
    return Path(settings.GATEBOOK_KEYS) / "signing.pem"


def present_key() -> SigningKey:
    """The record of the key that signs now. A key that is new here is registered, and the one before retired.

    1 query when nothing changed; else one transaction with a ledger entry for each of the two.
    """
    public = signer().public.hex()
    known = SigningKey.objects.filter(public=public).first()
    if known is None:
        return _register(public, actor=KEEPER, reason=_("Another key was put in its place."))
    if known.retired_at is not None:
        raise Refused("key_retired", _("The key that is set was retired, and does not sign any more."))
    return known


def public_keys() -> list[SigningKey]:
    """All keys that ever signed here, oldest first. 1 query."""
    return list(SigningKey.objects.all())


def rotate_key(*, actor: Actor, reason: str) -> SigningKey:
    """Put a new key in the place of the one in the file; the old private half is overwritten.

    Raises `Invalid` (`no_reason`), and `Refused` (`key_is_set`) where a setting gives the key.
    """
    if not reason.strip():
        raise Invalid("no_reason", _("Say why the key is changed."), "reason")
    if settings.GATEBOOK_SIGNING_KEY:
        raise Refused("key_is_set", _("GATEBOOK_SIGNING_KEY gives the key: change it there."))
    present_key()
    fresh = Ed25519PrivateKey.generate()
    with transaction.atomic():
        key = _register(fresh.public_key().public_bytes_raw().hex(), actor=actor, reason=reason.strip())
        _replace(key_file(), fresh)  # last: fails it, nothing is recorded
    return key


@transaction.atomic
def _register(public: str, *, actor: Actor, reason: str) -> SigningKey:
    hold_ledger()
    known = SigningKey.objects.filter(public=public).first()
    if known is not None:  # another process was first
        return known
    for old in SigningKey.objects.filter(retired_at__isnull=True):
        old.retired_at, old.reason = now(), reason[:300]
        old.save(update_fields=["retired_at", "reason"])
        append(
            actor=actor,
            action=LedgerAction.KEY_RETIRED,
            subject=old,
            detail={"public": old.public, "reason": old.reason},
        )
    key = SigningKey.objects.create(public=public, registered_at=now())
    append(actor=actor, action=LedgerAction.KEY_REGISTERED, subject=key, detail={"public": public})
    return key


def _read_pem(raw: bytes, where: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(raw, password=None)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{where} does not hold a private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"{where} holds a key that is not Ed25519.")
    return key


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _draft(path: Path, key: Ed25519PrivateKey) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_pem(key))
        file.flush()
        os.fsync(file.fileno())
    return draft


def _write_once(path: Path, key: Ed25519PrivateKey) -> None:
    """Whole or not at all; when two processes come first at once, the first one's key stays."""
    draft = _draft(path, key)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _replace(path: Path, key: Ed25519PrivateKey) -> None:
    _draft(path, key).replace(path)


@lru_cache(maxsize=4)
def _token_signer(address: str) -> _TokenSigner:
    try:
        return _TokenSigner(address)
    except ImportError as error:
        raise ImproperlyConfigured("A key on a token needs the extra `pkcs11`.") from error


def token_of(address: str, setting: str = "GATEBOOK_SIGNING_KEY") -> dict[str, str]:
    """The parts of a PKCS#11 URI (RFC 7512) that are needed: token, object, module-path, pin-value."""
    split = urlsplit(address)
    found = {
        name: unquote(value) for name, _eq, value in (part.partition("=") for part in split.path.split(";"))
    }
    found |= {name: values[0] for name, values in parse_qs(split.query).items()}
    missing = [name for name in ("token", "object", "module-path", "pin-value") if not found.get(name)]
    if missing:
        raise ImproperlyConfigured(f"The address of {setting} lacks {', '.join(missing)}.")
    return found
