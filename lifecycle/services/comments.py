"""What people say about a record: added, withdrawn, never edited."""

import hashlib
import re

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.models import subject_type
from lifecycle import rules
from lifecycle.actions import LifecycleAction
from lifecycle.errors import Refused
from lifecycle.models import Comment, Membership, Notice, Project, User
from lifecycle.services.notices import tell
from lifecycle.services.steps import allow, locked, record
from lifecycle.services.texts import prose

MOST = 10_000
MENTION = re.compile(r"(?<![\w@./])@([\w.+-]+)")
_EXCERPT = 280


@transaction.atomic
def add_comment(*, subject: models.Model, project: Project, text: str, url: str, actor: User) -> Comment:
    """Say something about a record of the project; members do, auditors read. `url` is the record's page.

    Members named with `@username` are told. The ledger holds the text's SHA-256, so that it can not be
    changed unnoticed, and not the text, so that it can be forgotten.
    """
    allow(rules.can_take_part(actor, project), _("You do not work in this project."))
    text = prose(text, "text", most=MOST)

    comment = Comment.objects.create(
        project=project, subject_type=subject_type(subject), subject_id=str(subject.pk), author=actor,
        text=text, created_at=timezone.now(),
    )  # fmt: skip
    mentioned = _mentioned(project, text)
    comment.mentioned.set(mentioned)
    record(
        LifecycleAction.COMMENT_ADDED, comment, actor=actor, project=project,
        on=comment.subject_type, record=comment.subject_id, digest=hashlib.sha256(text.encode()).hexdigest(),
        mentioned=[user.pk for user in mentioned],
    )  # fmt: skip
    tell(
        people=[user for user in mentioned if user.pk != actor.pk],
        kind=Notice.Kind.MENTION,
        subject=_("%(name)s mentions you: %(subject)s") % {"name": actor, "subject": subject},
        text=text[:_EXCERPT],
        url=f"{url}#comment-{comment.pk}",
        key=f"comment:{comment.pk}",
        project=project,
    )
    return comment


@transaction.atomic
def withdraw_comment(*, comment: Comment, actor: User) -> Comment:
    """Mark a comment as withdrawn; its author may, and the project's manager. It stays."""
    comment = locked(comment, "project")
    mine = comment.author_id == actor.pk and rules.can_take_part(actor, comment.project)
    allow(
        mine or rules.can_manage_project(actor, comment.project),
        _("Only its author or a manager withdraws a comment."),
    )
    if comment.withdrawn:
        raise Refused("already_withdrawn", _("This comment is withdrawn."))

    comment.withdrawn_at, comment.withdrawn_by = timezone.now(), actor
    comment.save(update_fields=["withdrawn_at", "withdrawn_by"])
    record(
        LifecycleAction.COMMENT_WITHDRAWN, comment, actor=actor, project=comment.project,
        on=comment.subject_type, record=comment.subject_id, author=comment.author_id,
    )  # fmt: skip
    return comment


def _mentioned(project: Project, text: str) -> list[User]:
    """The active members whose user names stand in the text, whatever their case. 1 query at most."""
    names = {name.rstrip(".-+").lower() for name in MENTION.findall(text)}
    if not names:
        return []
    members = Membership.objects.filter(project=project, left_at__isnull=True, user__is_active=True)
    users = [each.user for each in members.select_related("user").order_by("pk")]
    return [user for user in users if user.username.lower() in names]
