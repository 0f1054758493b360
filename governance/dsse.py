"""Dead Simple Signing Envelopes around in-toto Statements: the format alone, keys come from the ledger."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import rfc8785

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"


def key_id(public: bytes) -> str:
    """The name of a key in envelopes: the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public).hexdigest()


def pae(payload_type: str, payload: bytes) -> bytes:
    """What is signed: type and payload with their lengths (DSSE v1)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def statement(
    subjects: Sequence[tuple[str, str]], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """An in-toto Statement v1; subjects are (name, SHA-256 in hexadecimal)."""
    return {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in subjects],
        "predicateType": predicate_type,
        "predicate": dict(predicate),
    }


def envelope(content: Mapping[str, Any], *, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """The signed envelope as canonical JSON."""
    payload = rfc8785.dumps(dict(content))
    signature = {"keyid": key_id(public), "sig": base64.b64encode(sign(pae(PAYLOAD_TYPE, payload))).decode()}
    return rfc8785.dumps(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [signature],
        }
    ).decode()


def statement_in(text: str) -> dict[str, Any]:
    """The Statement inside an envelope of ours; nothing is verified."""
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(text)["payload"]))
    return found
