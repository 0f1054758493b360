"""Reads a table, finds the digest that its specification asks for, and makes the data-set version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from lifecycle.actions import LifecycleAction
from lifecycle.artifacts.rows import Row, digest_rows
from lifecycle.artifacts.tables import Table, open_table
from lifecycle.errors import Invalid, Refused
from lifecycle.executors.datasets import MAX_BYTES, file_digest, locate
from lifecycle.models import DataSet, DataSetVersion, Registration
from lifecycle.services.data_uses import attach_uses
from lifecycle.services.registrations import ENDED, MACHINE, DataSpec, Reporter, finish
from lifecycle.services.steps import locked, record


class Measured(NamedTuple):
    """What was read of a table."""

    digest: str
    file_digest: str
    rows: int | None
    size: int
    schema: list[dict[str, str]]


def read_data(registration: Registration) -> Measured:
    """Read a table and find its digest; what changes meanwhile is refused."""
    spec, report = DataSpec.model_validate(registration.spec), Reporter(registration)
    path = locate(spec.uri, settings.GATEBOOK_DATA_ROOT, "/uri")
    before = path.stat()
    if before.st_size == 0:
        raise Invalid("file_empty", _("The file has 0 bytes."), "/uri")
    if before.st_size > MAX_BYTES and spec.format != "sql":
        raise Invalid(
            "file_too_large", _("The file has more than %(most)d bytes.") % {"most": MAX_BYTES}, "/uri"
        )
    report(_("Hashing the file"), 0.0)
    name = "" if spec.format == "sql" else file_digest(path)
    report(_("Reading the rows"), 0.3)
    table = open_table(path, spec.format, spec.query)
    found = digest_rows(table.columns, _counted(table, report), "any" if spec.digest == "any" else "kept")
    after = path.stat()
    stands = (before.st_size, before.st_mtime_ns, before.st_ino) == (
        after.st_size, after.st_mtime_ns, after.st_ino,
    )  # fmt: skip
    if not stands or (name and file_digest(path) != name):
        raise Refused("changed_while_read", _("The file changed while it was read. Nothing is kept."))
    digest = name if spec.digest == "bytes" else found.digest
    return Measured(digest, name, found.rows, before.st_size, table.schema)


def _counted(table: Table, report: Reporter) -> Iterator[list[Row]]:
    rows = 0
    for batch in table.batches:
        rows += len(batch)
        report(_("Reading the rows: %(rows)d") % {"rows": rows}, 0.5)
        yield batch


@transaction.atomic
def keep_data(registration: Registration, found: Measured) -> DataSetVersion:
    """Make the version under its name, or find it, and tie the runs that used its bytes. One entry."""
    project = locked(registration.project)
    registration = locked(registration, "project", "requested_by")
    if registration.state in ENDED:
        assert registration.data_version is not None
        return registration.data_version
    spec = DataSpec.model_validate(registration.spec)
    data_set, _new = DataSet.objects.get_or_create(
        project=project, name=spec.name,
        defaults={"source": spec.uri, "licence": spec.licence, "owner": spec.owner, "created_at": now()},
    )  # fmt: skip
    version = data_set.versions.filter(method=spec.digest, digest=found.digest).first()
    made = version is None
    if version is None:
        last = data_set.versions.order_by("-number").first()
        version = DataSetVersion.objects.create(
            data_set=data_set, number=last.number + 1 if last else 1, method=spec.digest, digest=found.digest,
            file_digest=found.file_digest, rows=found.rows, size=found.size, schema=found.schema,
            uri=spec.uri, query=spec.query, registered_by=registration.requested_by, created_at=now(),
        )  # fmt: skip
        attach_uses(version)
    finish(registration, data_version=version)
    record(
        LifecycleAction.DATA_SET_REGISTERED, version, actor=MACHINE, project=project, name=data_set.name,
        number=version.number, method=version.method, digest=version.digest, rows=found.rows, new=made,
        registration=registration.pk, spec_digest=_digest(registration.spec),
    )  # fmt: skip
    return version


def _digest(spec: object) -> str:
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()
