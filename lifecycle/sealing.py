"""Secrets of other systems, sealed before they are stored: AES-256-GCM, the keys outside of the database.

`GATEBOOK_SECRET_STORE_KEYS` lists the keys, newest first: the first one seals, all of them open. What a
sealed text is for goes into the seal, so that it cannot be moved to another record.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_BYTES = 32
_FORM = "s1"
_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed text that no key of this installation opens, or that was sealed for something else."""


def new_key() -> str:
    """A key as the setting holds it: 32 random bytes, base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def read_keys(words: Sequence[str]) -> dict[str, bytes]:
    """The keys by their names, newest first; ValueError, without the key, for what is none."""
    keys: dict[str, bytes] = {}
    for at, word in enumerate(words, 1):
        try:
            raw = base64.urlsafe_b64decode(word.strip())
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"key {at}") from error
        if len(raw) != KEY_BYTES:
            raise ValueError(f"key {at}")
        keys[hashlib.sha256(raw).hexdigest()[:8]] = raw
    return keys


def seal(text: str, purpose: str) -> str:
    """The text under the newest key. `purpose` (`connector:7:secret`) has to be said again to open it."""
    name, key = next(iter(read_keys(settings.GATEBOOK_SECRET_STORE_KEYS).items()))
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())
    return f"{_FORM}.{name}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(sealed: str, purpose: str) -> str:
    """The text again. Raises `SealBroken`."""
    form, _, rest = sealed.partition(".")
    name, _, body = rest.partition(".")
    key = read_keys(settings.GATEBOOK_SECRET_STORE_KEYS).get(name)
    if form != _FORM or key is None:
        raise SealBroken("No key of this installation opens it.")
    try:
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealBroken("It was changed, or sealed for something else.") from error


def is_sealed_anew(sealed: str) -> bool:
    """Whether the newest key has sealed it."""
    return sealed.split(".")[1:2] == [next(iter(read_keys(settings.GATEBOOK_SECRET_STORE_KEYS)))]
