"""Channels: chosen by each person, their addresses sealed, every notice sent once, to a real receiver."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from django.urls import reverse

from ledger.models import Entry
from lifecycle.models import Channel, Job, Mail, Notice, Post
from lifecycle.outbound.guarded import guarded
from lifecycle.sealing import SealBroken, unseal
from lifecycle.services import channels, notices, outbox, posts
from tests import make
from tests.traces import forbidden, invalid, no_trace, one_entry, refused

SECRET = "s3cr3t-Pa55"


class Receiver(BaseHTTPRequestHandler):
    """Takes messages as apprise's `json://` sends them, and answers as it is told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body)))
        answer = self.server.answers.pop(0) if self.server.answers else 200
        if answer is None:  # the line breaks when the message was read
            self.close_connection = True
            return
        self.send_response(answer)
        if 300 <= answer < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(settings):
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.0/8"]
    settings.GATEBOOK_URL = "https://gatebook.example"
    settings.OUTBOX_RETRY_SECONDS = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.got, server.answers = [], []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(receiver, path=SECRET) -> str:
    return f"json://127.0.0.1:{receiver.server_port}/{path}"


def add(person, receiver, *, kinds=("mention",), name="Team chat", **fields) -> Channel:
    values = {"url": address(receiver), "actor": person} | fields
    return channels.add_channel(person=person, name=name, kinds=kinds, **values)


def tell(person, key="occasion:1", **fields):
    return notices.tell(people=[person], kind="mention", subject="Ken asks", url="/inbox/", key=key, **fields)


def deliver_all() -> None:
    for job in Job.objects.filter(task=channels.POST_TASK, state=Job.State.PENDING).order_by("pk"):
        outbox.deliver(job.pk)


@pytest.mark.django_db
class TestChoosing:
    def test_a_channel_is_added_with_its_address_sealed(self, receiver):
        me = make.user()

        with one_entry("channel.added") as detail:
            channel = add(me, receiver, kinds=["mention", "gate_to_sign"])

        channel.refresh_from_db()
        assert (channel.service, channel.kinds) == ("json", ["gate_to_sign", "mention"])
        assert unseal(channel.sealed, channels.purpose_of(channel)) == address(receiver)
        assert SECRET not in json.dumps([channel.sealed, detail, str(Entry.objects.last().payload.content)])

    def test_a_seal_does_not_open_for_another_channel(self, receiver):
        me = make.user()
        one, other = add(me, receiver), add(me, receiver, name="Other")

        with pytest.raises(SealBroken):
            unseal(one.sealed, channels.purpose_of(other))

    def test_name_and_kinds_are_changed_and_the_address_stays(self, receiver):
        channel = add(make.user(), receiver)
        sealed = channel.sealed

        with one_entry("channel.changed"):
            channels.change_channel(channel=channel, name="Chat", kinds=["run_failed"], actor=channel.person)

        channel.refresh_from_db()
        assert (channel.name, channel.kinds, channel.sealed) == ("Chat", ["run_failed"], sealed)
        with refused("no_change", channel):
            channels.change_channel(channel=channel, name="Chat", kinds=["run_failed"], actor=channel.person)

    def test_a_removed_channel_forgets_its_address(self, receiver):
        channel = add(make.user(), receiver)

        with one_entry("channel.removed"):
            channels.remove_channel(channel=channel, actor=channel.person)

        channel.refresh_from_db()
        assert channel.sealed == ""
        with refused("removed", channel):
            channels.remove_channel(channel=channel, actor=channel.person)
        assert add(channel.person, receiver).name == channel.name

    def test_nobody_reaches_into_the_channels_of_another(self, receiver):
        channel, boss = add(make.user(), receiver), make.user(org_role="administrator")

        with forbidden(channel):
            channels.change_channel(channel=channel, name="Mine", kinds=["mention"], actor=boss)
        with forbidden(channel):
            channels.remove_channel(channel=channel, actor=boss)
        with forbidden(channel):
            channels.try_channel(channel=channel, actor=boss)
        with forbidden():
            add(make.user(), receiver, actor=boss)

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("just words", "bad_address"),
            ("https://example.org/hook", "service"),
            ("mailto://me:secret@example.org", "service"),
            ("dbus://", "service"),
            ("syslog://", "service"),
            ("json://127.0.0.1/x?redirect=yes", "forbidden_part"),
            ("json://127.0.0.1/x?verify=no", "forbidden_part"),
            ("slack://A/B/C?template=/etc/passwd", "forbidden_part"),
            ("slack://", "bad_address"),
            ("discord://nothing", "bad_address"),
            ("json://169.254.169.254/latest", "refused_address"),
            ("json://[::ffff:169.254.169.254]/latest", "refused_address"),
            ("gotify://10.1.2.3/token123", "refused_address"),
            ("json://0.0.0.0/", "refused_address"),
            ("json://no-such-host.invalid/", "unknown_host"),
            ("json://a\x00b/", "control_character"),
            ("json://" + "a" * 3000, "too_long"),
        ],
    )
    def test_an_address_that_cannot_be_used_is_refused(self, receiver, url, code):
        with invalid(code, "url"):
            add(make.user(), receiver, url=url)

    def test_private_addresses_are_refused_unless_the_installation_allows_them(self, receiver, settings):
        settings.GATEBOOK_OUTBOUND_ALLOW = []

        with invalid("refused_address", "url"):
            add(make.user(), receiver)

    def test_services_are_those_that_the_installation_lets_in(self, receiver, settings):
        settings.GATEBOOK_CHANNELS = ["slack"]

        with invalid("service", "url"):
            add(make.user(), receiver)

    def test_names_and_kinds_are_checked_and_channels_counted(self, receiver):
        me = make.user()
        add(me, receiver)

        with invalid("name_taken", "name"):
            add(me, receiver)
        with invalid("unknown_kind", "kinds"):
            add(me, receiver, name="B", kinds=["gossip"])
        with invalid("missing", "kinds"):
            add(me, receiver, name="B", kinds=[])
        for number in range(channels.MOST - 1):
            add(me, receiver, name=f"C{number}")
        with refused("too_many"):
            add(me, receiver, name="D")


@pytest.mark.django_db(transaction=True)
class TestTelling:
    def test_a_notice_goes_to_the_channels_that_want_its_kind(self, receiver):
        me = make.user()
        add(me, receiver)
        add(me, receiver, name="Other", url=address(receiver, "other"), kinds=["run_failed"])

        tell(me, text="Look", project=make.small_project(me))
        deliver_all()

        [(path, message)] = receiver.got
        assert path == f"/{SECRET}"
        assert message["title"].endswith(": Ken asks")
        assert message["message"] == "Look\nhttps://gatebook.example/inbox/"
        assert Post.objects.get().state == "sent"

    def test_it_goes_there_whatever_the_page_and_the_e_mail_do(self, receiver):
        me = make.user()
        add(me, receiver)
        notices.choose_ways(person=me, ways={"mention": "none"})

        tell(me)
        deliver_all()

        assert (len(receiver.got), Mail.objects.count()) == (1, 0)

    def test_nothing_is_sent_twice(self, receiver):
        me = make.user()
        add(me, receiver)
        for _each in range(2):
            tell(me)
        deliver_all()

        for job in Job.objects.filter(task=channels.POST_TASK):
            posts.send_post(**job.args)
        tell(me)
        deliver_all()

        assert len(receiver.got) == 1

    def test_a_notice_that_is_undone_is_not_sent(self, receiver):
        from django.db import transaction

        me = make.user()
        add(me, receiver)
        with pytest.raises(RuntimeError), transaction.atomic():
            tell(me)
            raise RuntimeError
        deliver_all()

        assert (receiver.got, Post.objects.count()) == ([], 0)

    @pytest.mark.parametrize("answer", [500, 503, 429])
    def test_a_service_that_asks_for_it_is_tried_again(self, receiver, answer):
        me = make.user()
        add(me, receiver)
        receiver.answers = [answer]
        tell(me)

        deliver_all()
        assert Post.objects.get().state == "waiting"
        deliver_all()

        assert (Post.objects.get().state, len(receiver.got)) == ("sent", 2)

    @pytest.mark.parametrize("answer", [401, 404, 302])
    def test_a_service_that_says_no_is_not_asked_again(self, receiver, answer):
        me = make.user()
        add(me, receiver)
        receiver.answers = [answer]
        tell(me)

        deliver_all()
        deliver_all()

        post = Post.objects.get()
        assert (post.state, len(receiver.got), str(answer) in post.reason) == ("dropped", 1, True)

    def test_a_line_that_breaks_leaves_it_unsure_and_it_is_not_sent_again(self, receiver):
        me = make.user()
        add(me, receiver)
        receiver.answers = [None]
        tell(me)

        deliver_all()
        deliver_all()

        assert (Post.objects.get().state, len(receiver.got)) == ("unsure", 1)

    def test_a_service_that_is_not_there_is_tried_again(self, receiver):
        me = make.user()
        add(me, receiver, url="json://127.0.0.1:9/x")
        tell(me)

        deliver_all()

        job = Job.objects.get(task=channels.POST_TASK)
        assert (Post.objects.get().state, job.state, job.error) == (
            "waiting",
            "pending",
            "NotTaken: It cannot be reached.",
        )

    def test_a_host_that_is_no_longer_permitted_gets_nothing(self, receiver, settings):
        me = make.user()
        add(me, receiver)
        tell(me)
        settings.GATEBOOK_OUTBOUND_ALLOW = []

        deliver_all()

        assert (Post.objects.get().state, receiver.got) == ("dropped", [])

    def test_nothing_is_sent_to_removed_channels_closed_people_and_who_left_the_project(self, receiver):
        project = make.small_project()
        gone, closed, left = make.user(), make.user(), make.user()
        for person in (gone, closed):
            add(person, receiver)
        channel = add(left, receiver)
        tell(left, key="b", project=project)
        tell(gone, key="c")
        tell(closed, key="d")
        channels.remove_channel(channel=Channel.objects.get(person=gone), actor=gone)
        type(closed).objects.filter(pk=closed.pk).update(is_active=False)

        deliver_all()

        assert (receiver.got, channel.pk) == ([], Channel.objects.get(person=left).pk)
        assert set(Post.objects.values_list("state", flat=True)) == {"dropped"}
        assert all(Post.objects.values_list("reason", flat=True))

    def test_a_worker_that_died_in_the_middle_sends_nothing_again(self, receiver):
        me = make.user()
        add(me, receiver)
        tell(me)
        Post.objects.update(state="sending")

        deliver_all()

        assert (Post.objects.get().state, receiver.got) == ("unsure", [])

    def test_a_test_is_sent_and_leaves_no_entry(self, receiver):
        channel = add(make.user(), receiver)

        with no_trace():
            channels.try_channel(channel=channel, actor=channel.person)
        with refused("test_waits"):
            channels.try_channel(channel=channel, actor=channel.person)
        deliver_all()

        assert [message["title"] for _path, message in receiver.got] == ["Gatebook"]

    def test_who_has_no_channel_costs_one_query_more(self, django_assert_num_queries):
        me = make.user()

        with django_assert_num_queries(7):  # with BEGIN and COMMIT
            notices.tell(people=[me], kind="run_failed", subject="It failed", url="/", key="one")
        assert Notice.objects.count() == 1


@pytest.mark.django_db
class TestPages:
    def test_the_page_adds_tests_changes_and_removes_and_never_shows_the_address(self, client, receiver):
        me = make.user()
        client.force_login(me)
        page = reverse("lifecycle:notice-channels")

        answer = client.post(
            page, {"name": "Chat", "url": address(receiver), "kinds": ["mention"]}, follow=True
        )
        channel = Channel.objects.get()
        one = reverse("lifecycle:notice-channel", args=[channel.pk])
        tested = client.post(reverse("lifecycle:notice-channel-act", args=[channel.pk, "try"]), follow=True)
        changed = client.post(one, {"name": "Beeper 9", "kinds": ["run_failed"]}, follow=True)

        for html in (answer.text, tested.text, changed.text, client.get(one).text):
            assert SECRET not in html
        assert "Beeper 9" in changed.text
        gone = client.post(reverse("lifecycle:notice-channel-act", args=[channel.pk, "remove"]), follow=True)
        assert ("Beeper 9" in gone.text, client.get(one).status_code) == (False, 404)

    def test_what_is_refused_keeps_what_was_typed_but_the_address(self, client, receiver):
        client.force_login(make.user())
        given = {"name": "Chat", "url": f"mailto://me:{SECRET}@example.org", "kinds": ["mention"]}

        answer = client.post(reverse("lifecycle:notice-channels"), given)

        assert (answer.status_code, 'value="Chat"' in answer.text, SECRET in answer.text) == (
            422,
            True,
            False,
        )
        assert "“mailto” is not let in here" in answer.text

    def test_channels_of_others_are_not_found(self, client, receiver):
        channel = add(make.user(), receiver)
        client.force_login(make.user(org_role="administrator"))

        assert client.get(reverse("lifecycle:notice-channel", args=[channel.pk])).status_code == 404

    @pytest.mark.parametrize("count", [1, 3])
    def test_the_page_costs_the_same_for_any_number(
        self, client, receiver, count, django_assert_max_num_queries
    ):
        me = make.user()
        for number in range(count):
            channels.try_channel(channel=add(me, receiver, name=f"C{number}"), actor=me)
        client.force_login(me)

        with django_assert_max_num_queries(9):
            assert client.get(reverse("lifecycle:notice-channels")).status_code == 200


class TestGuard:
    def test_requests_inside_go_to_permitted_addresses_only(self, receiver, settings):
        url = f"http://localhost:{receiver.server_port}/"
        settings.GATEBOOK_OUTBOUND_ALLOW = []
        with guarded() as traffic, pytest.raises(requests.ConnectionError):
            requests.post(url, json={}, timeout=5)

        assert ([no.code for no in traffic.refusals], receiver.got) == (["refused_address"], [])

    def test_requests_outside_are_as_ever(self, receiver, settings):
        settings.GATEBOOK_OUTBOUND_ALLOW = []

        answer = requests.post(f"http://127.0.0.1:{receiver.server_port}/", json={}, timeout=5)

        assert answer.status_code == 200
