"""Files given to a task: checked, digested, kept outside the web root, and documents that can be evidence."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Invalid, Refused
from lifecycle.filetypes import TYPES, media_type_of
from lifecycle.models import Attachment, Task, User
from lifecycle.services.evidence import freeze_document
from lifecycle.services.steps import allow, ensure_open, locked, record

LONGEST_NAME = 200
_RELATED = ("phase__iteration__project", "phase__iteration__process_version")


@transaction.atomic
def add_attachment(*, task: Task, file: File[Any], name: str, actor: User) -> Attachment:
    """Keep a file with a task; whoever works in the project may.

    It becomes a document (`DOC`) of its name, size and SHA-256, with an entry of its own where that is new.
    Raises `Invalid` (`file`: `empty`, `too_big`, `bad_type`, `bad_name`), `Refused("already_there")`.
    """
    task = locked(task, *_RELATED)
    project = task.phase.iteration.project
    allow(rules.can_take_part(actor, project), _("You do not work in this project."))
    ensure_open(task.phase.iteration)
    name = checked_name(name)
    size = _checked_size(file)
    media_type = media_type_of(name, file)  # type: ignore[arg-type]  # File reads and seeks like a file
    if media_type is None:
        endings = ", ".join(sorted(TYPES))
        text = _("The content is none of these types, or not what the name says: %(endings)s.")
        raise Invalid("bad_type", text % {"endings": endings}, "file")

    digest = _digest(file)
    content = {"file": {"name": name, "size": size, "media_type": media_type, "sha256": digest}}
    snapshot = freeze_document(project=project, kind="DOC", title=name, content=content, actor=actor)
    if Attachment.objects.filter(task=task, snapshot=snapshot).exists():
        raise Refused("already_there", _("This file is attached to this task already."))
    attachment = Attachment(
        task=task, snapshot=snapshot, name=name, media_type=media_type, size=size, digest=digest,
        uploaded_by=actor, uploaded_at=timezone.now(),
    )  # fmt: skip
    _store(file, attachment.path)
    attachment.save()
    record(
        LifecycleAction.ATTACHMENT_ADDED, attachment, actor=actor, project=project,
        iteration=task.phase.iteration, task=task.pk, key=task.key, digest=digest, size=size,
        media_type=media_type, snapshot=snapshot.digest,
    )  # fmt: skip
    return attachment


def checked_name(name: str) -> str:
    """A file's name that is safe to show and to save under. Raises `Invalid("bad_name")`."""
    text = name.strip()
    if not text or text.startswith("."):
        raise Invalid("bad_name", _("The file needs a name."), "file")
    if len(text) > LONGEST_NAME:
        raise Invalid("bad_name", _("The name has more than %d characters.") % LONGEST_NAME, "file")
    if "/" in text or "\\" in text:
        raise Invalid("bad_name", _("The name must not hold a path."), "file")
    # Cf as well: a mark that turns the direction of writing can make "exe.pdf" of "fdp.exe".
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in text):
        raise Invalid("bad_name", _("The name must not hold control characters."), "file")
    return text


def is_intact(attachment: Attachment) -> bool:
    """Whether the stored file is there and still has its digest. Reads the file."""
    if not default_storage.exists(attachment.path):
        return False
    with default_storage.open(attachment.path) as file:
        return _digest(file) == attachment.digest


def _checked_size(file: File[Any]) -> int:
    most = settings.GATEBOOK_ATTACHMENT_BYTES
    if not file.size:
        raise Invalid("empty", _("The file is empty."), "file")
    if file.size > most:
        text = _("The file has more than %(most)d MB.") % {"most": most // 1_000_000}
        raise Invalid("too_big", text, "file")
    return int(file.size)


def _digest(file: File[Any]) -> str:
    found = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        found.update(chunk)
    file.seek(0)
    return found.hexdigest()


def _store(file: File[Any], path: str) -> None:
    """Put the file under its digest, once. A file without a record, left by a refusal, harms nobody."""
    if default_storage.exists(path):
        if default_storage.size(path) == file.size:
            return
        default_storage.delete(path)  # the rest of a write that broke off
    default_storage.save(path, file)
