"""Process definitions: drafted, published (immutable from then on), retired."""

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.definitions import ProcessDocument, difference, digest, parse, plain, stored
from lifecycle.errors import Refused
from lifecycle.models import Process, ProcessVersion, User
from lifecycle.services.steps import allow, locked, record

_MOST_CHANGES = 50


@transaction.atomic
def draft_process(*, document: ProcessDocument, actor: User) -> ProcessVersion:
    """Store a document as the next draft version of its process, which is made if it is new."""
    allow(rules.can_manage_processes(actor), _("Only process owners and administrators draft a process."))
    checked = parse(plain(document))
    process, _made = Process.objects.select_for_update().get_or_create(
        key=checked.key, defaults={"name": checked.name}
    )

    last = process.versions.aggregate(last=Max("number"))["last"] or 0
    version = ProcessVersion.objects.create(
        process=process, number=last + 1, document=plain(checked), digest=digest(checked),
        created_by=actor, created_at=timezone.now(),
    )  # fmt: skip
    record(LifecycleAction.PROCESS_DRAFTED, version, actor=actor, **_names(version))
    return version


@transaction.atomic
def change_draft(*, version: ProcessVersion, document: ProcessDocument, actor: User) -> ProcessVersion:
    """Replace the document of a draft; the process key stays. The entry says in words what changed."""
    version = locked(version, "process")
    allow(rules.can_manage_processes(actor), _("Only process owners and administrators change a draft."))
    checked = parse(plain(document))
    _ensure_draft(version)
    if checked.key != version.process.key:
        raise Refused("other_process", _("This document is of another process."))

    before, changes = version.digest, difference(stored(version.document), checked)
    version.document, version.digest = plain(checked), digest(checked)
    version.save(update_fields=["document", "digest"])
    record(
        LifecycleAction.PROCESS_CHANGED, version, actor=actor, **_names(version),
        digest_before=before, changes=[each.words for each in changes[:_MOST_CHANGES]],
    )  # fmt: skip
    return version


@transaction.atomic
def publish_process(*, version: ProcessVersion, actor: User, seen: str | None = None) -> ProcessVersion:
    """Publish a draft: named by its digest and never changed again.

    `seen` is the digest that was confirmed: `Refused("changed_meanwhile")` if the draft is another by now.
    """
    version = locked(version, "process")
    allow(rules.can_manage_processes(actor), _("Only process owners and administrators publish a process."))
    _ensure_draft(version)
    if seen is not None and seen != version.digest:
        raise Refused("changed_meanwhile", _("The draft was changed since you looked at it: look again."))
    checked = parse(version.document)

    version.digest = digest(checked)
    version.state, version.published_at = ProcessVersion.State.PUBLISHED, timezone.now()
    version.save(update_fields=["digest", "state", "published_at"])
    Process.objects.filter(pk=version.process_id).update(name=checked.name)
    record(
        LifecycleAction.PROCESS_PUBLISHED, version, actor=actor, **_names(version), **_moved("draft", version)
    )
    return version


@transaction.atomic
def retire_process(*, version: ProcessVersion, actor: User) -> ProcessVersion:
    """Take a published version out of use for new projects; those that have it keep it."""
    version = locked(version, "process")
    allow(rules.can_manage_processes(actor), _("Only process owners and administrators retire a process."))
    if version.state != ProcessVersion.State.PUBLISHED:
        raise Refused("wrong_state", _("Only a published version is retired."))

    version.state = ProcessVersion.State.RETIRED
    version.save(update_fields=["state"])
    record(
        LifecycleAction.PROCESS_RETIRED,
        version,
        actor=actor,
        **_names(version),
        **_moved("published", version),
    )
    return version


def _ensure_draft(version: ProcessVersion) -> None:
    if version.state != ProcessVersion.State.DRAFT:
        raise Refused("wrong_state", _("A published process never changes: draft the next version."))


def _names(version: ProcessVersion) -> dict[str, Any]:
    return {"process": version.process.key, "number": version.number, "digest": version.digest}


def _moved(before: str, version: ProcessVersion) -> dict[str, Any]:
    return {"from": before, "to": str(version.state)}
