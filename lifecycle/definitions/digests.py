"""The name of a document: the SHA-256 of its canonical JSON."""

import hashlib
from typing import Any

import rfc8785

from lifecycle.definitions.document import ProcessDocument


def plain(doc: ProcessDocument) -> dict[str, Any]:
    """The document as plain JSON-able data, without values at their default.

    Leaving defaults out keeps the digest of a published document when the format gains an optional field.
    """
    return doc.model_dump(mode="json", exclude_defaults=True)


def digest(doc: ProcessDocument) -> str:
    """SHA-256 (lowercase hex) of the document's RFC 8785 JSON."""
    return hashlib.sha256(rfc8785.dumps(plain(doc))).hexdigest()
