import hashlib

import pytest
from django.template import engines
from django.test import RequestFactory
from django.urls import reverse

from ledger.models import Payload
from lifecycle.models import Comment, Notice
from lifecycle.queries.comments import comments_of
from lifecycle.services.comments import add_comment, withdraw_comment
from tests import make
from tests.traces import forbidden, invalid, one_entry, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def task():
    return make.task()


@pytest.fixture
def project(task):
    return task.phase.iteration.project


def say(task, text="Looks good", actor=None):
    return add_comment(
        subject=task,
        project=task.phase.iteration.project,
        text=text,
        url="/tasks/1/",
        actor=actor or task.owner,
    )


def shown(comment, user):
    request = RequestFactory().get("/")
    request.user = user
    template = engines["django"].from_string("{% load comments %}{{ comment|comment_text }}")
    return template.render({"comment": comment}, request)


def test_a_member_comments_and_the_ledger_holds_the_digest_not_the_text(task):
    with one_entry("comment.added") as detail:
        comment = say(task, "Secret words")

    assert detail["digest"] == hashlib.sha256(b"Secret words").hexdigest()
    assert (detail["on"], detail["record"]) == ("lifecycle.task", str(task.pk))
    assert "Secret words" not in Payload.objects.last().body
    assert comments_of(task) == [comment]


def test_members_who_are_mentioned_are_told_once(task, project):
    noor = make.member(project, user=make.user("noor.h"))
    stranger = make.user("stranger")

    say(task, "See @Noor.H. and @stranger, @nobody, mail@noor.h @noor.h")

    assert [(notice.person, notice.kind) for notice in Notice.objects.all()] == [(noor, "mention")]
    assert list(Comment.objects.get().mentioned.all()) == [noor]
    assert stranger not in Comment.objects.get().mentioned.all()


def test_nobody_is_told_of_their_own_mention(task):
    say(task, f"Note to @{task.owner.username}")

    assert not Notice.objects.exists()


@pytest.mark.parametrize("role", ["auditor", None])
def test_auditors_and_strangers_say_nothing(task, project, role):
    with forbidden(task):
        say(task, actor=make.member(project, role) if role else make.user(org_role="administrator"))


@pytest.mark.parametrize(
    ("text", "code"), [("  ", "missing"), ("x" * 10_001, "too_long"), ("nul\x00", "control_character")]
)
def test_a_comment_is_text_of_bounded_length(task, text, code):
    with invalid(code, "text"):
        say(task, text)


def test_a_withdrawn_comment_stays_marked(task, project):
    comment = say(task)

    with forbidden(comment):
        withdraw_comment(comment=comment, actor=make.member(project))
    with one_entry("comment.withdrawn"):
        withdraw_comment(comment=comment, actor=task.owner)
    with refused("already_withdrawn", comment):
        withdraw_comment(comment=comment, actor=project.created_by)

    [kept] = comments_of(task)
    assert (kept.text, kept.withdrawn_by) == ("Looks good", task.owner)


def test_addresses_become_links_and_all_else_is_escaped(task, project):
    make.member(project, user=make.user("noor", name="Noor <b>"))
    page = shown(
        say(task, "<script>x</script> see https://a.example/?q=1&r='x). javascript:alert(1)\n@noor @else"),
        task.owner,
    )

    assert '<a href="https://a.example/?q=1&amp;r=" rel="noopener noreferrer nofollow">' in page
    assert "<script>" not in page
    assert 'href="javascript' not in page
    assert '<b class="mention" title="Noor &lt;b&gt;">@noor</b> @else' in page


def test_a_thread_costs_the_same_for_any_number(task, project, django_assert_num_queries):
    for _ in range(3):
        say(task, f"@{make.member(project).username}", actor=make.member(project))

    with django_assert_num_queries(2):
        found = comments_of(task)
        assert [len(each.mentioned.all()) + len(each.author.name) for each in found]


def url(task):
    return reverse("lifecycle:comment-add", args=["lifecycle.task", task.pk])


def test_a_comment_is_made_and_withdrawn_on_the_page_of_its_task(task, client):
    client.force_login(task.owner)

    said = client.post(url(task), {"text": "First"})
    part = client.post(url(task), {"text": "Second"}, headers={"HX-Request": "true"})
    empty = client.post(url(task), {"text": ""}, headers={"HX-Request": "true"})
    comment = Comment.objects.first()
    gone = [client.post(reverse("lifecycle:comment-withdraw", args=[comment.pk])) for _ in range(2)]
    page = client.get(reverse("lifecycle:task", args=[task.pk])).content.decode()

    assert said.url.endswith("#comments")
    assert "Second" in part.content.decode()
    assert "<html" not in part.content.decode()
    assert empty.status_code == 422
    assert [answer.status_code for answer in gone] == [302, 422]
    assert "Withdrawn by" in page
    assert "Second" in page


def test_handoffs_runs_and_gates_can_have_comments_but_nothing_else(task, project, client):
    client.force_login(task.owner)
    handoff, run = make.handoff(task.phase.iteration), make.run(project)

    for kind, record in (("lifecycle.handoff", handoff), ("lifecycle.run", run)):
        answer = client.post(reverse("lifecycle:comment-add", args=[kind, record.pk]), {"text": "Hm"})
        assert answer.status_code == 302
        assert "Hm" in client.get(answer.url.split("#")[0]).content.decode()

    assert client.post(reverse("lifecycle:comment-add", args=["lifecycle.user", 1]), {}).status_code == 404


def test_strangers_find_nothing_and_auditors_may_not_comment(task, project, client):
    comment = say(task)
    client.force_login(make.user())
    assert client.post(url(task), {"text": "x"}).status_code == 404
    assert client.post(reverse("lifecycle:comment-withdraw", args=[comment.pk])).status_code == 404

    client.force_login(make.member(project, "auditor"))
    assert client.post(url(task), {"text": "x"}).status_code == 403
