import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from celery import current_app
from django.db import connection, transaction
from django.utils.timezone import now

from lifecycle.models import Job
from lifecycle.outbox_registry import handler
from lifecycle.services import outbox, outbox_broker
from lifecycle.services.outbox import claim, deliver, due_jobs, enqueue, finish, sweep
from lifecycle.services.outbox_lease import Heartbeat
from tests.patience import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

DONE: list[str] = []
GIVEN_UP: list[str] = []


def note_given_up(*, error: str, word: str) -> None:
    GIVEN_UP.append(f"{word}: {error}")


@handler("tests.note")
def note(*, word: str) -> None:
    DONE.append(word)


@handler("tests.slow")
def slow(*, word: str, seconds: float) -> None:
    time.sleep(seconds)
    DONE.append(word)


@handler("tests.poison", gave_up=note_given_up)
def poison(*, word: str) -> None:
    raise ValueError(f"cannot do {word}")


@pytest.fixture(autouse=True)
def clean(settings):
    settings.OUTBOX_RETRY_SECONDS = 0
    DONE.clear()
    GIVEN_UP.clear()


@contextmanager
def broker(url, options):
    """For the block, our side of the broker is another one."""
    conf = current_app.conf
    before = conf.broker_url, conf.broker_write_url, conf.broker_transport_options
    conf.broker_url, conf.broker_write_url, conf.broker_transport_options = url, url, options
    outbox_broker._quiet_until = 0.0
    try:
        yield
    finally:
        conf.broker_url, conf.broker_write_url, conf.broker_transport_options = before
        outbox_broker._quiet_until = 0.0


def broker_without_folder(path):
    """As after its disk was unmounted."""
    folder = str(path / "gone")
    options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": f"{folder}/control"}
    return broker("filesystem://", options)


def ask(word: str = "once", task: str = "tests.note", **more) -> Job:
    with transaction.atomic():
        return enqueue(
            task=task, args={"word": word, **more.pop("args", {})}, key=more.pop("key", word), **more
        )


def lease_ran_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=now() - timedelta(seconds=1))


def test_enqueue_refuses_to_work_outside_a_transaction():
    with pytest.raises(RuntimeError):
        enqueue(task="tests.note", args={"word": "x"}, key="x")

    assert Job.objects.count() == 0


def test_work_of_a_transaction_that_is_undone_was_never_asked_for():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue(task="tests.note", args={"word": "x"}, key="x")
        raise ZeroDivisionError

    assert Job.objects.count() == 0


def test_the_same_key_asks_once_and_gets_the_first_job_back():
    first, second = ask("once"), ask("other", key="once")

    assert (second.pk, second.args) == (first.pk, {"word": "once"})


def test_enqueue_tells_the_broker_after_the_commit():
    job = ask()

    job.refresh_from_db()
    assert job.sent_at is not None


def test_a_broker_that_is_gone_neither_fails_nor_holds_up_the_request(tmp_path):
    with broker_without_folder(tmp_path):
        job = ask()

    job.refresh_from_db()
    assert (job.state, job.sent_at) == (Job.State.PENDING, None)
    assert list(due_jobs(now())) == [job]


def test_a_redis_that_is_not_there_is_given_up_on():
    # Left alone kombu tries for ever, and this test would not end.
    with broker("redis://127.0.0.1:1/0", {}):
        first, second = ask("first"), ask("second")

    assert list(due_jobs(now())) == [first, second]


def test_a_redis_that_accepts_and_never_answers_is_given_up_on():
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        broker(f"redis://127.0.0.1:{mute.getsockname()[1]}/0", {}),
    ):
        job = ask()

    assert list(due_jobs(now())) == [job]


def test_the_sweep_sends_what_the_broker_never_got(tmp_path):
    with broker_without_folder(tmp_path):
        job = ask()

    assert sweep(now()) == 1

    job.refresh_from_db()
    assert job.sent_at is not None
    assert sweep(now()) == 0


def test_the_sweep_sends_again_what_may_have_been_lost(settings):
    job = ask()
    Job.objects.filter(pk=job.pk).update(
        sent_at=now() - timedelta(seconds=settings.OUTBOX_RESEND_SECONDS + 1)
    )

    assert sweep(now()) == 1


def test_work_for_later_waits_for_its_time():
    job = ask(available_at=now() + timedelta(minutes=5))

    assert (job.sent_at, sweep(now()), deliver(job.pk)) == (None, 0, False)
    assert list(due_jobs(now() + timedelta(minutes=6))) == [job]


def test_deliver_does_the_work_once_however_often_the_message_comes():
    job = ask()

    assert [deliver(job.pk), deliver(job.pk), deliver(job.pk)] == [True, False, False]

    job.refresh_from_db()
    assert (job.state, job.attempts, DONE) == (Job.State.DONE, 1, ["once"])
    assert job.finished_at is not None


def test_two_workers_at_once_do_the_work_once():
    job = ask("slow", task="tests.slow", args={"seconds": 0.5})
    outcomes: list[bool] = []

    def work() -> None:
        outcomes.append(deliver(job.pk))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    assert (sorted(outcomes), DONE) == ([False, False, False, True], ["slow"])


def test_a_job_whose_worker_died_is_swept_at_once_and_done_by_another():
    job = ask()
    dead = claim(job.pk, now())
    assert (deliver(job.pk), sweep(now())) == (False, 0)

    lease_ran_out(job)

    assert sweep(now()) == 1
    assert deliver(job.pk)
    job.refresh_from_db()
    assert (job.state, job.attempts) == (Job.State.DONE, 2)
    assert not finish(job=dead)


def test_a_worker_that_lost_its_lease_changes_nothing_any_more():
    job = ask()
    slow_one = claim(job.pk, now())
    lease_ran_out(job)
    quick_one = claim(job.pk, now())

    assert not outbox.retry(job=slow_one, error="too late")

    job.refresh_from_db()
    assert (job.state, job.lease_token) == (Job.State.RUNNING, quick_one.lease_token)


def test_the_heartbeat_keeps_the_lease_of_long_work(settings):
    settings.OUTBOX_LEASE_SECONDS = 3
    job = ask()
    held = claim(job.pk, now())
    shortly_after = held.lease_until + timedelta(milliseconds=1)

    with Heartbeat(held):
        wait_until(lambda: Job.objects.get(pk=job.pk).lease_until > shortly_after)
        assert claim(job.pk, shortly_after) is None

    job.refresh_from_db()
    assert job.lease_token == held.lease_token


def test_a_failure_is_kept_in_words_and_tried_again_later(settings):
    settings.OUTBOX_RETRY_SECONDS = 60
    job = ask("x", task="tests.poison")

    assert not deliver(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.PENDING, "ValueError: cannot do x")
    assert job.available_at > now() + timedelta(seconds=50)
    assert not deliver(job.pk)


def test_a_poison_job_ends_failed_after_its_attempts_and_tells_its_handler_once():
    job = ask("x", task="tests.poison", max_attempts=3)

    for _ in range(5):
        deliver(job.pk)

    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (Job.State.FAILED, 3, "ValueError: cannot do x")
    assert GIVEN_UP == ["x: ValueError: cannot do x"]


def test_a_job_that_kills_every_worker_ends_failed():
    job = ask("x", task="tests.poison", max_attempts=2)
    for _ in range(2):
        assert claim(job.pk, now())
        lease_ran_out(job)

    assert list(due_jobs(now())) == [job]
    assert not deliver(job.pk)

    job.refresh_from_db()
    assert (job.state, job.error) == (Job.State.FAILED, "The worker died during each of 2 attempts.")
    assert len(GIVEN_UP) == 1


def test_work_that_nobody_can_do_says_so():
    job = ask("x", task="tests.unheard_of", max_attempts=1)

    deliver(job.pk)

    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "tests.unheard_of" in job.error


def test_waits_grow_fourfold_to_an_hour_at_most(settings):
    settings.OUTBOX_RETRY_SECONDS = 5

    waits = [outbox.wait_after(attempts).total_seconds() for attempts in (1, 2, 3, 9)]

    assert waits == [5, 20, 80, 3600]
