from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import models

from ledger.errors import Refused
from ledger.states import MACHINES, Edge, StateMachine, as_markdown


class State(models.TextChoices):
    PLANNED = "planned"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    SENT_BACK = "sent_back"


def machine(**changes):
    table = {
        "initial": State.PLANNED,
        "transitions": {
            State.PLANNED: {"offer": State.OFFERED},
            State.OFFERED: {"accept": State.ACCEPTED, "send_back": State.SENT_BACK},
            State.SENT_BACK: {"offer": State.OFFERED},
        },
        "registered": False,
    }
    return StateMachine("kite", **table | changes)


def test_a_machine_knows_its_states_edges_and_ends():
    kite = machine()

    assert kite.states == ("planned", "offered", "sent_back", "accepted")
    assert kite.finals == ("accepted",)
    assert kite.edges[1] == Edge("offered", "accept", "accepted")
    assert kite.can(State.OFFERED, "accept")
    assert not kite.can(State.PLANNED, "accept")


def test_next_gives_the_state_that_follows():
    assert machine().next(State.SENT_BACK, "offer") == State.OFFERED


def test_an_event_at_the_wrong_time_is_refused_with_what_is_possible():
    with pytest.raises(Refused) as no:
        machine().next("offered", "offer")

    assert no.value.code == "wrong_state"
    assert str(no.value) == 'This kite is offered: "offer" is not possible now, only: accept, send back.'


def test_an_event_in_a_final_state_is_refused_as_such():
    with pytest.raises(Refused) as no:
        machine(labels={"accepted": "taken over"}).next("accepted", "offer")

    assert str(no.value) == 'This kite is taken over, which is final: "offer" is not possible.'


def test_a_state_or_event_that_nobody_declared_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="no state 'lost'"):
        machine().next("lost", "offer")
    with pytest.raises(ValueError, match="no event 'fly'"):
        machine().next("planned", "fly")


def test_a_table_with_a_state_that_nothing_leads_to_is_refused():
    with pytest.raises(ValueError, match="leads to: lost"):
        machine(transitions={"planned": {"offer": "offered"}, "lost": {"find": "planned"}})


def test_a_record_may_begin_in_several_states():
    kite = machine(initial=["planned", "inherited"])

    assert kite.initial == ("planned", "inherited")
    assert kite.finals == ("inherited", "accepted")


def test_two_machines_of_one_name_are_refused():
    taken = {"once": machine()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.states.MACHINES", taken | {"kite": machine()})
        with pytest.raises(ValueError, match="two state machines"):
            machine(registered=True)


def test_a_machine_is_drawn_as_mermaid():
    assert machine().mermaid().splitlines() == [
        "stateDiagram-v2",
        "    [*] --> planned",
        "    planned --> offered: offer",
        "    offered --> accepted: accept",
        "    offered --> sent_back: send back",
        "    sent_back --> offered: offer",
        "    accepted --> [*]",
    ]


def test_draw_states_writes_the_page_and_check_finds_an_old_one(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()

    with pytest.raises(CommandError, match="not current"):
        call_command("draw_states", check=True)
    call_command("draw_states")
    call_command("draw_states", check=True)

    assert (tmp_path / "docs" / "state-machines.md").read_text() == as_markdown(MACHINES)


def test_the_drawn_machines_in_the_docs_are_those_of_the_code():
    page = Path(settings.BASE_DIR) / "docs" / "state-machines.md"

    assert page.read_text(encoding="utf-8") == as_markdown(MACHINES), "run ./gatebook manage draw_states"
