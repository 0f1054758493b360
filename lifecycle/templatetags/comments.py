"""The thread of comments on any record: `{% load comments %}{% comments record project %}`."""

import re
from typing import Any, cast

from django import forms, template
from django.db import models
from django.http import HttpRequest
from django.template.context import Context
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from lifecycle.comment_subjects import kind_of
from lifecycle.forms.comments import CommentForm
from lifecycle.models import Comment, Membership, Project, User
from lifecycle.queries.comments import comments_of
from lifecycle.queries.pages import WORKING_ROLES
from lifecycle.rules import can_change, role_in

register = template.Library()
_TOKEN = re.compile(r"(?P<url>https?://[^\s<>\"']+)|(?<![\w@./])@(?P<name>[\w.+-]+)")
_BREAK = SafeString("<br>")  # the only markup that is not made by format_html: ours, no person's
_TAIL = ".,;:!?)]}»”’*"


@register.inclusion_tag("lifecycle/comments/_thread.html", takes_context=True)
def comments(context: Context, record: models.Model, project: Project) -> dict[str, Any]:
    """What was said about a record, and a form for whoever may say something. 2 or 3 queries."""
    return thread(context["request"], record, project)


def thread(
    request: HttpRequest, record: models.Model, project: Project, form: forms.Form | None = None
) -> dict[str, Any]:
    """The context of the thread's template; `form` is what was refused."""
    user = cast("User", request.user)  # pages want a log-in
    role = role_in(user, project) if can_change(user) else None
    writes, manages = role in WORKING_ROLES, role == Membership.Role.MANAGER
    found = comments_of(record)
    return {
        "request": request,
        "comments": [(each, _may_withdraw(each, request, writes, manages)) for each in found],
        "kind": kind_of(record),
        "pk": record.pk,
        "form": (form or CommentForm(auto_id="id_comment_%s")) if writes else None,
    }


def _may_withdraw(comment: Comment, request: HttpRequest, writes: bool, manages: bool) -> bool:  # noqa: FBT001
    return not comment.withdrawn and (manages or (writes and comment.author_id == request.user.pk))


@register.filter
def comment_text(comment: Comment) -> SafeString:
    """The text in paragraphs: web addresses become links, members' names stand out, all else is escaped."""
    known = {user.username.lower(): str(user) for user in comment.mentioned.all()}
    paragraphs = [part for part in re.split(r"\n{2,}", comment.text) if part.strip()]
    return format_html_join("", "<p>{}</p>", ((_lines(part, known),) for part in paragraphs))


def _lines(text: str, known: dict[str, str]) -> SafeString:
    lines = [format_html_join("", "{}", _parts(line, known)) for line in text.split("\n")]
    return format_html_join(_BREAK, "{}", ((line,) for line in lines))


def _parts(line: str, known: dict[str, str]) -> list[tuple[str]]:
    parts, at = list[tuple[str]](), 0
    for match in _TOKEN.finditer(line):
        word, shown = _marked(match, known)
        parts += [(line[at : match.start()],), (shown,)]
        at = match.start() + len(word)
    return [*parts, (line[at:],)]


def _marked(match: re.Match[str], known: dict[str, str]) -> tuple[str, str]:
    """The characters that were taken, and what stands for them."""
    if match["url"]:
        url = match["url"].rstrip(_TAIL)
        return url, format_html('<a href="{}" rel="noopener noreferrer nofollow">{}</a>', url, url)
    word = "@" + match["name"].rstrip(".-+")
    name = known.get(word[1:].lower())
    return word, format_html('<b class="mention" title="{}">{}</b>', name, word) if name else word
