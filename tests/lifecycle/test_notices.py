import smtplib
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail as django_mail
from django.core.mail.backends import locmem
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from ledger.models import Entry
from lifecycle.errors import Invalid
from lifecycle.models import Job, Mail, Notice, NoticeChoice
from lifecycle.queries.counts import counts_of
from lifecycle.queries.inbox import inbox_of
from lifecycle.queries.notices import notices_of
from lifecycle.services import handoffs, mails, notices, outbox, projects, runs, tasks, triggers
from tests import make

SOURCES = 4  # what higher apps put into the inbox costs them some queries
MORNING = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


def tell(*people, key="occasion:1", kind="mention", **fields) -> int:
    values = {"subject": "Look at this", "url": "/inbox/", **fields}
    return notices.tell(people=people, kind=kind, key=key, **values)


def chosen(person, way, kind="mention"):
    notices.choose_ways(person=person, ways={kind: way})
    return person


def told(person) -> list[str]:
    return sorted(Notice.objects.filter(person=person).values_list("kind", flat=True))


def deliver_all() -> None:
    for job in Job.objects.filter(task=notices.MAIL_TASK, state=Job.State.PENDING):
        outbox.deliver(job.pk)


@pytest.mark.django_db
class TestTelling:
    def test_a_person_is_told_of_an_occasion_once(self):
        one, other = make.user(), make.user()

        assert [tell(one), tell(one, other), tell(one, other)] == [1, 1, 0]
        assert (told(one), told(other)) == (["mention"], ["mention"])

    def test_closed_people_are_not_told(self):
        assert tell(make.user(is_active=False)) == 0

    def test_telling_leaves_no_ledger_entry(self):
        tell(make.user())

        assert not Entry.objects.exists()

    def test_an_unknown_kind_is_a_mistake_in_the_code(self):
        with pytest.raises(ValueError, match="gossip"):
            tell(make.user(), kind="gossip")

    def test_a_subject_of_several_lines_becomes_one_short_one(self):
        me = make.user()

        tell(me, subject="a\nb " + "c" * 400)

        subject = Notice.objects.get().subject
        assert subject.startswith("a b ccc")
        assert len(subject) == 300

    @pytest.mark.parametrize("count", [1, 5])
    def test_telling_many_costs_as_much_as_telling_one(self, django_assert_num_queries, count):
        people = [chosen(make.user(), "page") for _ in range(count)]

        with django_assert_num_queries(7):  # 5 and the savepoint's two
            tell(*people)

    @pytest.mark.parametrize(
        ("way", "jobs", "shown"), [("page", 0, 1), ("email", 1, 1), ("digest", 0, 1), ("none", 0, 0)]
    )
    def test_each_is_told_as_they_chose(self, way, jobs, shown):
        me = chosen(make.user(), way)

        tell(me)

        assert (Job.objects.count(), notices_of(me).count()) == (jobs, shown)
        assert tell(me) == 0

    def test_choices_may_be_changed_and_the_others_stay(self):
        me = chosen(make.user(), "none")
        chosen(me, "page", "run_failed")
        chosen(me, "digest")

        ways = dict(NoticeChoice.objects.filter(person=me).values_list("kind", "way"))
        assert ways == {"mention": "digest", "run_failed": "page"}

    @pytest.mark.parametrize("ways", [{"gossip": "page"}, {"mention": "pigeon"}])
    def test_unknown_choices_are_refused(self, ways):
        with pytest.raises(Invalid) as no:
            notices.choose_ways(person=make.user(), ways=ways)

        assert no.value.where in ways


@pytest.mark.django_db
class TestWhoIsToldOfWhat:
    def test_the_other_party_hears_of_each_step_of_a_handoff(self):
        handoff = make.handoff()
        giver, taker = handoff.giver, handoff.taker
        references = {1: "https://example.org/a", 2: "https://example.org/b"}

        handoffs.offer_handoff(handoff=handoff, actor=giver, references=references)
        handoffs.return_handoff(handoff=handoff, actor=taker, reason="Incomplete")
        handoffs.offer_handoff(handoff=handoff, actor=giver)
        for criterion in handoff.criteria.all():
            handoffs.tick_criterion(criterion=criterion, actor=taker)
        handoffs.accept_handoff(handoff=handoff, actor=taker)

        assert told(taker) == ["handoff_offered", "handoff_offered"]
        assert told(giver) == ["handoff_accepted", "handoff_returned"]
        assert Notice.objects.get(kind="handoff_returned").text == "Incomplete"
        assert Notice.objects.exclude(person__in=[giver, taker]).count() == 0

    def test_a_new_owner_hears_of_the_task_but_not_of_what_they_took_themselves(self):
        task = make.task(state="instantiated")
        manager = task.phase.iteration.project.created_by
        other = make.member(task.phase.iteration.project)

        tasks.assign_task(task=task, actor=manager, owner=other)
        tasks.assign_task(task=task, actor=manager, owner=other)
        tasks.assign_task(task=task, actor=manager, owner=manager)

        assert (told(other), told(manager)) == (["task_assigned"], [])

    def test_reviewers_who_did_not_do_the_work_hear_of_evidence(self):
        task = make.task(state="risks_accepted", evidence_kinds=["TRN"])
        project = task.phase.iteration.project
        reviewer, owner = make.member(project, "reviewer"), task.owner
        from lifecycle.services.evidence import attach_evidence

        attach_evidence(task=task, snapshot=make.snapshot(project), actor=owner)

        assert (told(reviewer), told(owner), told(project.created_by)) == (["evidence_to_verify"], [], [])

    def test_without_a_reviewer_managers_hear_of_evidence(self):
        task = make.task(state="mitigating", evidence_kinds=["TRN"])
        task.risks.all().delete()
        make.evidence(task)

        tasks.accept_risks(task=task, actor=task.owner)

        assert told(task.phase.iteration.project.created_by) == ["evidence_to_verify"]

    def test_managers_hear_of_a_firing_that_waits_and_everybody_of_one_that_tells(self):
        asks = make.trigger(kind="drift", action="notify")
        project, manager = asks.project, asks.project.created_by
        tells = make.trigger(project, kind="incident", action="notify", mode="auto")
        member, stranger = make.member(project), make.user()

        for kind in ("drift", "incident"):
            triggers.handle_event(project=project, kind=kind, event={}, event_key=f"one-{kind}")

        assert told(manager) == ["firing_to_decide", "trigger_told"]
        assert (told(member), told(stranger)) == (["trigger_told"], [])
        assert tells.firings.get().state == "started"

    def test_managers_hear_what_a_trigger_did_but_not_what_they_started(self):
        asks = make.trigger(kind="drift")
        acts = make.trigger(asks.project, kind="metric", mode="auto")
        manager = asks.project.created_by
        [waits] = triggers.handle_event(project=asks.project, kind="drift", event={}, event_key="one")
        triggers.reject_firing(firing=waits, actor=manager, reason="No")

        triggers.handle_event(project=asks.project, kind="metric", event={}, event_key="two")

        assert acts.firings.get().state == "started"
        assert told(manager) == ["firing_to_decide", "trigger_told"]

    def test_whoever_started_a_run_hears_that_it_failed_and_managers_of_those_nobody_started(self):
        project = make.small_project()
        starter = make.member(project)
        for by in (starter, None):
            runs.fail_run(run=make.run(project, state="running", started_by=by), error="No data")

        assert told(starter) == ["run_failed"]
        assert told(project.created_by) == ["run_failed"]

    def test_a_notice_that_cannot_be_written_undoes_the_change(self, monkeypatch):
        handoff = make.handoff()

        def broken(*_args, **_more):
            raise RuntimeError("full")

        monkeypatch.setattr(notices.Notice.objects, "bulk_create", broken, raising=False)
        with pytest.raises(RuntimeError):
            handoffs.offer_handoff(handoff=handoff, actor=handoff.giver, references={1: "a", 2: "b"})

        handoff.refresh_from_db()
        assert (handoff.state, Entry.objects.filter(action="handoff.offered").count()) == ("planned", 0)


@pytest.mark.django_db
class TestPages:
    def test_the_list_shows_mine_only_unread_first(self, client):
        me = make.user()
        tell(me, key="1", subject="Old news")
        notices.mark_all_read(person=me)
        tell(me, key="2", subject="Fresh news")
        tell(make.user(), key="3", subject="Not for me")
        client.force_login(me)

        html = client.get(reverse("lifecycle:notices")).text

        assert html.index("Fresh news") < html.index("Old news")
        assert "Not for me" not in html

    def test_the_list_costs_the_same_for_any_number(self, client):
        me, project = make.user(), make.small_project()
        make.member(project, user=me)
        client.force_login(me)

        costs = []
        for number in range(4):
            tell(me, key=f"{number}", project=project)
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("lifecycle:notices"))
            costs.append(len(queries))

        assert len(set(costs)) == 1
        assert costs[0] <= 9

    def test_what_concerns_a_project_that_i_left_is_gone(self):
        project = make.small_project()
        me = make.member(project)
        tell(me, project=project)
        project.memberships.filter(user=me).update(left_at=timezone.now())

        assert (notices_of(me).count(), counts_of(me).notices) == (0, 0)

    def test_one_is_marked_as_read_by_its_person_only(self, client):
        me, other = make.user(), make.user()
        tell(me, other)
        mine, theirs = notices_of(me).get(), notices_of(other).get()
        client.force_login(me)

        answers = [client.post(reverse("lifecycle:notice-read", args=[each.pk])) for each in (mine, theirs)]

        assert [answer.status_code for answer in answers] == [302, 404]
        assert (counts_of(me).notices, counts_of(other).notices) == (0, 1)

    def test_all_are_marked_as_read(self, client):
        me, other = make.user(), make.user()
        tell(me, other, key="1")
        tell(me, key="2")
        client.force_login(me)

        client.post(reverse("lifecycle:notices-read-all"))

        assert (counts_of(me).notices, counts_of(other).notices) == (0, 1)

    @pytest.mark.parametrize("name", ["lifecycle:notices-read-all", "lifecycle:notice-read"])
    def test_reading_takes_a_post(self, client, name):
        client.force_login(make.user())

        assert client.get(reverse(name, args=[1] if name.endswith("notice-read") else [])).status_code == 405

    def test_the_choice_is_shown_and_kept(self, client):
        me = make.user()
        client.force_login(me)
        url = reverse("lifecycle:notice-settings")
        ways = {**notices.DEFAULT_WAYS, "mention": "none"}

        page, done = client.get(url), client.post(url, ways)
        wrong = client.post(url, {**ways, "mention": "pigeon"})

        assert (page.status_code, done.status_code, wrong.status_code) == (200, 302, 422)
        assert NoticeChoice.objects.get(person=me, kind="mention").way == "none"
        assert page.text.count("<select") == len(Notice.Kind.values)

    def test_a_subject_from_people_is_escaped(self, client):
        me = make.user()
        tell(me, subject="<script>alert(1)</script>")
        client.force_login(me)

        assert "<script>alert" not in client.get(reverse("lifecycle:notices")).text

    def test_the_bar_counts_what_the_inbox_lists_at_a_fixed_cost(self, django_assert_max_num_queries):
        project = make.small_project()
        me = project.created_by
        iteration = make.iteration(project)
        phase = make.phase(iteration)
        make.task(phase, "1.1", "instantiated", me)
        task = make.task(phase, "1.2", "evidence_attached")
        make.evidence(task)
        make.risk(task, "escalated")
        make.handoff(iteration, "offered", taker=me)
        make.handoff(iteration, "returned", giver=me)
        make.firing(make.trigger(project))
        away = make.member(project)
        make.handoff(iteration, "offered", taker=away)
        from lifecycle.models import Absence

        today = timezone.localdate()
        Absence.objects.create(
            person=away, deputy=me, starts_on=today, ends_on=today, entered_by=me, entered_at=timezone.now()
        )
        tell(me)

        with django_assert_max_num_queries(1 + SOURCES):
            counts = counts_of(me)

        assert (counts.inbox, counts.notices) == (len(inbox_of(me)), 1)
        assert counts.inbox == 7


class Server(locmem.EmailBackend):
    """A mail server that says what the test wants."""

    answer: Exception | None = None

    def open(self):
        if isinstance(self.answer, ConnectionRefusedError):
            raise self.answer

    def send_messages(self, messages):
        if self.answer is not None:
            raise self.answer
        return super().send_messages(messages)


@pytest.fixture
def server(settings, monkeypatch):
    settings.EMAIL_BACKEND = f"{__name__}.Server"
    settings.OUTBOX_RETRY_SECONDS = 0
    monkeypatch.setattr("django.core.mail.get_connection", Server)
    yield Server
    Server.answer = None


@pytest.mark.django_db(transaction=True)
class TestMails:
    def one(self) -> Mail:
        me = chosen(make.user(email="marta@example.org"), "email")
        tell(me, subject="Sign G4", text="Now.", url="/gates/7/")
        return Mail.objects.get()

    def state(self) -> str:
        return Mail.objects.get().state

    def test_a_notice_is_sent_with_a_link_to_its_page(self, server, settings):
        settings.GATEBOOK_URL = "https://gatebook.example"
        mail = self.one()

        deliver_all()

        [sent] = django_mail.outbox
        assert (sent.subject, sent.to) == ("Sign G4", ["marta@example.org"])
        assert "https://gatebook.example/gates/7/" in sent.body
        assert sent.extra_headers["Message-ID"] == f"<gatebook-mail-{mail.pk}@gatebook.example>"
        assert self.state() == "sent"

    def test_a_mail_delivered_twice_is_sent_once(self, server):
        mail = self.one()

        for _ in range(2):
            mails.send_mail(mail_id=mail.pk)

        assert len(django_mail.outbox) == 1

    def test_a_server_that_is_not_there_or_says_no_is_tried_again(self, server):
        self.one()
        for answer in (ConnectionRefusedError("gone"), smtplib.SMTPDataError(451, b"later")):
            server.answer = answer
            deliver_all()
            assert self.state() == "waiting"

        server.answer = None
        deliver_all()

        assert (len(django_mail.outbox), self.state()) == (1, "sent")

    def test_a_line_that_breaks_leaves_it_unsure_and_it_is_not_sent_again(self, server):
        self.one()
        server.answer = smtplib.SMTPServerDisconnected("the line broke")
        deliver_all()
        server.answer = None

        for job in Job.objects.all():
            mails.send_mail(**job.args)

        assert (len(django_mail.outbox), self.state()) == (0, "unsure")

    def test_after_a_worker_died_in_the_middle_it_is_not_sent_again(self, server):
        mail = self.one()
        Mail.objects.update(state="sending")

        mails.send_mail(mail_id=mail.pk)

        assert (len(django_mail.outbox), self.state()) == (0, "unsure")

    @pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}])
    def test_nothing_is_sent_to_closed_people_or_without_address(self, server, change):
        mail = self.one()
        type(mail.person).objects.filter(pk=mail.person_id).update(**change)

        deliver_all()

        assert (len(django_mail.outbox), self.state()) == (0, "dropped")

    def test_given_up_it_says_why(self, server):
        mail = self.one()

        mails.drop_given_up(error="ConnectionRefusedError: gone", mail_id=mail.pk)

        assert (self.state(), Mail.objects.get().reason) == ("dropped", "ConnectionRefusedError: gone")

    def test_two_who_tell_at_once_tell_once_and_mail_once(self):
        me = chosen(make.user(), "email")
        ready = threading.Barrier(4)

        def work() -> None:
            ready.wait()
            tell(me)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert (Notice.objects.count(), Mail.objects.count(), Job.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
class TestDigests:
    def reader(self, **fields):
        return chosen(make.user(**fields), "digest")

    def test_a_digest_holds_the_news_since_the_last_one(self, server):
        me = self.reader()
        tell(me, key="1", subject="First")
        tell(me, key="2", subject="Second")

        assert mails.plan_digests(MORNING) == 1
        deliver_all()
        tell(me, key="3", subject="Third")

        assert mails.plan_digests(MORNING + timedelta(hours=9)) == 0
        assert mails.plan_digests(MORNING + timedelta(days=1)) == 1
        deliver_all()
        first, second = django_mail.outbox
        assert "First" in first.body
        assert "Second" in first.body
        assert "Third" in second.body
        assert "First" not in second.body

    def test_without_news_there_is_none(self):
        self.reader()

        assert mails.plan_digests(MORNING) == 0

    @pytest.mark.parametrize(
        ("zone", "hour", "planned"),
        [("UTC", 6, 0), ("UTC", 7, 1), ("Asia/Tokyo", 22, 1), ("America/New_York", 10, 0), ("No/W", 7, 1)],
    )
    def test_it_comes_in_the_morning_of_the_reader(self, zone, hour, planned):
        tell(self.reader(time_zone=zone))

        assert mails.plan_digests(MORNING.replace(hour=hour)) == planned

    def test_schedulers_at_once_plan_one(self):
        tell(self.reader())
        ready = threading.Barrier(3)
        planned: list[int] = []

        def work() -> None:
            ready.wait()
            planned.append(mails.plan_digests(MORNING))
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert (sum(planned), Mail.objects.count(), Job.objects.count()) == (1, 1, 1)

    def test_planning_costs_the_same_for_any_number_that_had_theirs(self, django_assert_num_queries):
        for _ in range(3):
            me = self.reader()
            tell(me, key="1")
            mails.plan_digests(MORNING)
            tell(me, key="2")

        with django_assert_num_queries(2):
            assert mails.plan_digests(MORNING) == 0


@pytest.mark.django_db
def test_removing_a_member_tells_nobody_else():
    project = make.small_project()
    member = make.member(project)

    projects.remove_member(project=project, user=member, actor=project.created_by)

    assert not Notice.objects.exists()


@pytest.mark.django_db
def test_a_notice_belongs_to_the_transaction_of_what_it_tells():
    me = make.user()

    with pytest.raises(RuntimeError), transaction.atomic():
        tell(me)
        raise RuntimeError("undone")

    assert told(me) == []
