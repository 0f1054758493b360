"""Digests of what lies in other places, named as every model is, and remembered while it stands still.

What is remembered holds while names, sizes, times and inodes of all files are the same, and a day at most:
times can be set back.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import rfc8785
from django.db import transaction
from django.utils.timezone import now

from governance.models import HashedArtifact
from lifecycle.artifacts.manifests import signed_entries, take_manifest
from lifecycle.artifacts.places import Place

KEPT = timedelta(days=1)


def digest_of(place: Place, name: str, *, afresh: bool = False) -> str:
    """The digest of what lies at `place`, remembered under `name`. 1 query where nothing has changed.

    `afresh` reads it whatever is remembered. Raises what reading raises: `Invalid`, `Refused`, `PlaceError`.
    """
    key = sha256(name.encode()).hexdigest()
    entries = signed_entries(place.entries())
    stamp = sha256(rfc8785.dumps([[each.name, each.size, each.stamp] for each in entries])).hexdigest()
    known = HashedArtifact.objects.filter(uri=key).first()
    if not afresh and known is not None and known.stamp == stamp and now() - known.hashed_at < KEPT:
        return known.digest
    digest = take_manifest(place, progress=lambda _step, _share: None).digest
    _keep(key, stamp, digest)
    return digest


@transaction.atomic
def _keep(key: str, stamp: str, digest: str) -> None:
    made = {"stamp": stamp, "digest": digest, "hashed_at": now()}
    HashedArtifact.objects.update_or_create(uri=key, defaults=made)
