"""What people say of data sets, and versions frozen so that a handoff or a task can point at them."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Refused
from lifecycle.models import DataSet, DataSetVersion, Snapshot, User
from lifecycle.services.evidence import freeze_document
from lifecycle.services.steps import allow, ensure_active, locked, record
from lifecycle.services.texts import line, prose


@transaction.atomic
def describe_data_set(
    *, data_set: DataSet, actor: User, source: str, licence: str, owner: str, description: str
) -> DataSet:
    """Say where a data set comes from, under which licence, who answers for it."""
    data_set = locked(data_set, "project")
    allow(rules.can_contribute(actor, data_set.project), _("You do not work in this project."))
    ensure_active(data_set.project)
    said = {
        "source": line(source, "source", most=2000, needed=False),
        "licence": line(licence, "licence", needed=False),
        "owner": line(owner, "owner", needed=False),
        "description": prose(description, "description", needed=False),
    }
    before = {name: getattr(data_set, name) for name in said}
    if before == said:
        raise Refused("nothing_changed", _("That is what it says already."))
    for name, value in said.items():
        setattr(data_set, name, value)
    data_set.save(update_fields=list(said))
    changed = [name for name in said if said[name] != before[name]]
    record(
        LifecycleAction.DATA_SET_DESCRIBED, data_set, actor=actor, project=data_set.project,
        changes={name: {"from": before[name], "to": said[name]} for name in changed},
    )  # fmt: skip
    return data_set


@transaction.atomic
def freeze_data_set(*, version: DataSetVersion, actor: User) -> Snapshot:
    """The snapshot of a version, for handoffs and tasks to point at; made once."""
    version = locked(version, "data_set__project")
    project = version.data_set.project
    allow(rules.can_take_part(actor, project), _("You do not work in this project."))
    if version.snapshot is not None:
        return version.snapshot
    snapshot = freeze_document(
        project=project, kind="DOC", actor=actor,
        title=_("Data set %(name)s, version %(number)d")
        % {"name": version.data_set.name[:200], "number": version.number},
        content={
            "data_set": version.data_set.name, "version": version.number, "method": version.method,
            "digest": version.digest, "file_digest": version.file_digest, "rows": version.rows,
            "size": version.size, "schema": version.schema, "uri": version.uri, "query": version.query,
        },
    )  # fmt: skip
    DataSetVersion.objects.filter(pk=version.pk).update(snapshot=snapshot)
    return snapshot
