"""Which versions of which data sets runs read and wrote, taken from their records.

Called by the services that end or keep runs, inside their transaction and with the project locked; records
nothing by itself, since all of it follows from the runs that were recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q
from django.utils.timezone import now

from lifecycle.models import DataSet, DataSetVersion, DataUse, Project

_ROLES = ("data", "reference", "current", "train", "test", "training", "validation", "extra")
_DIGITS = frozenset("0123456789abcdef")
_SHA256 = 64
Method = DataSetVersion.Method


@dataclass(frozen=True)
class Used:
    """Data as a record names it."""

    run: int
    name: str
    digest: str
    role: str
    written: bool = False
    rows: int | None = None
    size: int | None = None
    uri: str = ""
    owner: str = ""
    schema: tuple[tuple[str, str], ...] = field(default=())

    @property
    def method(self) -> str:
        """Whether the digest is a SHA-256 of bytes, or what its source calls a digest."""
        is_sha = len(self.digest) == _SHA256 and _DIGITS.issuperset(self.digest)
        return Method.BYTES if is_sha else Method.SOURCE


def note_data(project: Project, records: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Keep which data these runs (id, record) used, in place of what was kept of them before.

    Data without a digest or version can not be told from a later state and is left out. No query if no record
    names data, else at most 8 for any number of runs.
    """
    listed = list(records)
    used = [each for run, record in listed for each in _used(run, record)]
    if not used:
        return
    versions = _versions(project, used)
    DataUse.objects.filter(run__in={each.run for each in used}).delete()
    uses = {
        (each.run, versions[each.name, each.digest].pk, each.role, each.written): DataUse(
            run_id=each.run, version=versions[each.name, each.digest], role=each.role, written=each.written
        )
        for each in used
    }
    DataUse.objects.bulk_create(uses.values(), batch_size=500)


def _used(run: int, record: Mapping[str, Any]) -> list[Used]:
    found = [_own(run, role, record.get(role)) for role in _ROLES]
    for key, written in (("inputs", False), ("outputs", True)):
        parts = record.get(key)
        found += [_outside(run, part, written=written) for part in parts] if isinstance(parts, list) else []
    return [each for each in found if each is not None]


def _own(run: int, role: str, part: object) -> Used | None:
    """Data as the built-in executors describe it."""
    if not isinstance(part, Mapping) or not part.get("uri") or not part.get("sha256"):
        return None
    columns = part.get("columns")
    return Used(
        run, str(part["uri"])[:500], str(part["sha256"]), role,
        rows=_whole(part.get("rows_in_file", part.get("rows"))), size=_whole(part.get("bytes")),
        uri=str(part["uri"])[:2000],
        schema=tuple((str(name), "") for name in columns) if isinstance(columns, list) else (),
    )  # fmt: skip


def _outside(run: int, part: object, *, written: bool) -> Used | None:
    """Data as a source of runs describes it."""
    if not isinstance(part, Mapping) or not part.get("name"):
        return None
    digest = str(part.get("digest") or part.get("version") or "").removeprefix("sha256:")
    if not digest:
        return None
    name = f"{part['namespace']}/{part['name']}" if part.get("namespace") else str(part["name"])
    fields, owners = part.get("fields"), part.get("owners")
    return Used(
        run, name[:500], digest[:500], str(part.get("role") or ("made" if written else "data"))[:60],
        written=written, rows=_whole(part.get("rows")), uri=str(part.get("uri") or "")[:2000],
        owner=", ".join(map(str, owners))[:300] if isinstance(owners, list) else "",
        schema=tuple((str(key), str(kind)) for key, kind in fields.items())
        if isinstance(fields, Mapping)
        else (),
    )  # fmt: skip


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _versions(project: Project, used: list[Used]) -> dict[tuple[str, str], DataSetVersion]:
    """The version of each (name, digest), made where there is none. 6 queries at most.

    A version that people have registered under a name of their own is known by the SHA-256 of its file.
    """
    digests = {each.digest for each in used}
    found: dict[tuple[str, str], DataSetVersion] = {}
    known = DataSetVersion.objects.filter(
        Q(digest__in=digests) | Q(file_digest__in=digests), data_set__project=project
    ).select_related("data_set")
    by_digest: dict[str, DataSetVersion] = {}
    for version in known.order_by("-pk"):
        for digest in {version.digest, version.file_digest} & digests:
            found[version.data_set.name, digest] = version
            if version.registered_by_id is not None and version.method != Method.SOURCE:
                by_digest[digest] = version
    for each in used:
        if each.digest in by_digest:
            found[each.name, each.digest] = by_digest[each.digest]
    missing = {(each.name, each.digest): each for each in used if (each.name, each.digest) not in found}
    if missing:
        found |= _made(project, missing)
    return found


def _made(project: Project, missing: Mapping[tuple[str, str], Used]) -> dict[tuple[str, str], DataSetVersion]:
    moment = now()
    names = sorted({name for name, _digest in missing})
    sets = {each.name: each for each in DataSet.objects.filter(project=project, name__in=names)}
    fresh: dict[str, DataSet] = {}
    for each in missing.values():
        if each.name not in sets:
            new = fresh.setdefault(
                each.name, DataSet(project=project, name=each.name, source=each.uri, created_at=moment)
            )
            new.owner = new.owner or each.owner
    sets |= {each.name: each for each in DataSet.objects.bulk_create(fresh.values(), batch_size=500)}
    last = dict(
        DataSetVersion.objects.filter(data_set__in=[each.pk for each in sets.values()])
        .order_by()
        .values_list("data_set")
        .annotate(last=Max("number"))
    )
    made = {}
    for key, each in missing.items():
        data_set = sets[each.name]
        last[data_set.pk] = last.get(data_set.pk, 0) + 1
        made[key] = DataSetVersion(
            data_set=data_set, number=last[data_set.pk], method=each.method, digest=each.digest,
            file_digest=each.digest if each.method == Method.BYTES else "", rows=each.rows, size=each.size,
            schema=[{"name": name, "type": kind} for name, kind in each.schema], uri=each.uri,
            created_at=moment,
        )  # fmt: skip
    DataSetVersion.objects.bulk_create(made.values(), batch_size=500)
    return made


def attach_uses(version: DataSetVersion) -> int:
    """Let a newly registered version take over the runs that used its very bytes; how many they are.

    2 queries.
    """
    if not version.file_digest:
        return 0
    same = DataUse.objects.filter(
        version__data_set__project=version.data_set.project_id, version__file_digest=version.file_digest,
        version__registered_by=None,
    ).exclude(version=version)  # fmt: skip
    return same.update(version=version)
