"""Many writers at once, each with a connection of its own: nothing lost, no gap, no fork."""

import threading

import pytest
from django.db import connection, transaction

from ledger.models import Entry, Payload
from ledger.services import append
from ledger.verification import verify
from tests.ledger.given import ACTOR, Deed, append_one, subject
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)


def run_writers(count: int, work) -> list[BaseException]:
    """Run `work(number)` in so many threads that start together; what went wrong in them."""
    start, failures = threading.Barrier(count), []

    def writer(number: int) -> None:
        try:
            start.wait(timeout=PATIENCE)
            work(number)
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=writer, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert not any(thread.is_alive() for thread in threads)
    return failures


def test_sixteen_writers_lose_nothing_make_no_gap_and_no_fork():
    writers, each = (16, 25) if connection.vendor == "postgresql" else (6, 10)
    kite = subject()

    def work(number: int) -> None:
        for turn in range(each):
            append_one(subject=kite, detail={"writer": number, "turn": turn})

    assert run_writers(writers, work) == []

    verdict = verify()
    assert (verdict.size, verdict.fault) == (writers * each, None)
    said = [Payload.objects.get(pk=index).content["detail"] for index in range(verdict.size)]
    for number in range(writers):
        assert [line["turn"] for line in said if line["writer"] == number] == list(range(each))


def test_writers_that_change_their_mind_leave_no_gap():
    writers = 8 if connection.vendor == "postgresql" else 4
    kite = subject()

    def work(number: int) -> None:
        for turn in range(6):
            try:
                with transaction.atomic():
                    append(actor=ACTOR, action=Deed.KITE_FLOWN, subject=kite, detail={"turn": turn})
                    if (number + turn) % 2:
                        1 / 0  # noqa: B018
            except ZeroDivisionError:
                pass

    assert run_writers(writers, work) == []

    verdict = verify()
    assert (verdict.size, verdict.fault) == (writers * 3, None)


def test_the_first_two_writers_of_an_empty_ledger_do_not_both_start_it():
    kite = subject()

    assert run_writers(4, lambda _: append_one(subject=kite)) == []

    assert list(Entry.objects.values_list("index", flat=True)) == [0, 1, 2, 3]
    assert verify().intact


def test_verification_beside_a_writer_finds_nothing_wrong():
    kite = subject()
    append_one(subject=kite)
    verdicts = []

    def work(number: int) -> None:
        for _ in range(20):
            if number:
                verdicts.append(verify())
            else:
                append_one(subject=kite)

    assert run_writers(2, work) == []

    assert len(verdicts) == 20
    assert [verdict.fault for verdict in verdicts if verdict.fault] == []
