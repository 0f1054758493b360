"""Attacks that fit in themselves: the database says nothing against them, what lies outside it does."""

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from ledger import services
from ledger.canonical import time_text
from ledger.keys import rotate_key
from ledger.merkle import Frontier
from ledger.models import Entry, Payload, TreeHead
from ledger.outside import clock_set_back
from ledger.publishing import checkpoint_text, publish_checkpoint
from ledger.verification import verify
from tests.ledger.given import ACTOR, append_one, entries
from tests.ledger_reset import without_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(tmp_path):
    """Five entries and that of the first key, and a checkpoint over them that somebody else holds."""
    entries(5)
    file = tmp_path / "000000000006.checkpoint"
    file.write_text(checkpoint_text(publish_checkpoint()), encoding="utf-8")
    return file


def verified(*places) -> str:
    out = io.StringIO()
    call_command("ledger", "verify", *(f"--checkpoint={place}" for place in places), stdout=out)
    return out.getvalue()


def refused(place) -> str:
    err = io.StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("ledger", "verify", f"--checkpoint={place}", stdout=io.StringIO(), stderr=err)
    assert end.value.code == 1
    return err.getvalue()


def put_back(size: int) -> None:
    """What restoring an old copy of the database comes to: all that came after it is gone, and all fits."""
    tree = Frontier()
    for leaf in Entry.objects.filter(index__lt=size).values_list("leaf_hash", flat=True):
        tree.append(bytes.fromhex(leaf))
    with without_triggers():
        Payload.objects.filter(pk__gte=size).delete()
        Entry.objects.filter(pk__gte=size).delete()
        TreeHead.objects.update(size=size, frontier=tree.to_bytes(), root=tree.root().hex())


def test_a_ledger_that_grew_continues_the_checkpoint(kept):
    append_one()

    assert "It continues 1 checkpoint." in verified(kept)
    assert "It continues 1 checkpoint." in verified(kept.parent)


def test_an_old_copy_of_the_database_refused(kept):
    put_back(3)

    assert verify().intact
    assert "An older copy was put in its place, or its end was cut off: 3 entries, once 6." in refused(kept)


def test_an_old_copy_that_grew_again_refused(kept):
    put_back(3)
    entries(4)

    assert verify().intact
    assert "The first 6 entries are not those of the checkpoint" in refused(kept)


def test_a_fork_of_the_same_size_refused(kept):
    put_back(5)
    append_one(detail={"height": 99})

    assert verify().intact
    assert "the ledger was rewritten" in refused(kept)


def test_a_checkpoint_of_a_retired_key_still_counts(kept):
    rotate_key(actor=ACTOR, reason="a year is over")

    assert "It continues 1 checkpoint." in verified(kept)


@pytest.mark.parametrize("change", ["Z", "origin"])
def test_a_checkpoint_of_another_log_or_signature_refused(kept, change):
    text = kept.read_text(encoding="utf-8")
    origin = text.split("\n", 1)[0]
    changed = text.replace(*(origin, "elsewhere/ledger") if change == "origin" else ("\n6\n", "\n4\n"))
    kept.write_text(changed, encoding="utf-8")

    assert str(kept) in refused(kept)


@pytest.mark.parametrize("name", ["nothing.checkpoint", "."])
def test_a_place_without_a_checkpoint_is_a_bad_call(tmp_path, name):
    with pytest.raises(CommandError, match="There is no checkpoint at"):
        verified(tmp_path / name)


def test_a_clock_set_back_is_named(monkeypatch):
    entries(2)
    monkeypatch.setattr(services, "now", lambda: timezone.now() - dt.timedelta(hours=2))
    append_one()
    monkeypatch.undo()
    append_one()

    (said,) = clock_set_back()

    assert said.startswith(("The clock was set back by 2:00:0", "The clock was set back by 1:59"))
    assert said.endswith("before entry 2.")
    assert said in verified()
    assert time_text(Entry.objects.get(pk=2).recorded_at) < time_text(Entry.objects.get(pk=1).recorded_at)


def test_clocks_that_differ_by_a_moment_are_not_named(monkeypatch):
    append_one()
    monkeypatch.setattr(services, "now", lambda: timezone.now() - dt.timedelta(seconds=1))
    append_one()

    assert list(clock_set_back()) == []
