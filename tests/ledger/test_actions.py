import pytest

from ledger.actions import Action, LedgerAction, known_actions, vocabularies
from ledger.actors import SystemActor


class Sample(Action):
    KITE_FLOWN = "kite.flown"
    KITE_REELED_IN = "kite.reeled_in"


def test_an_action_is_its_text_and_has_plain_words():
    assert Sample.KITE_REELED_IN == "kite.reeled_in"
    assert Sample.KITE_REELED_IN.label == "kite reeled in"


@pytest.mark.parametrize("value", ["flown", "Kite.flown", "kite flown", "kite.", "", "k." + "x" * 60])
def test_an_action_of_another_shape_is_refused(value):
    with pytest.raises(ValueError, match=r"noun\.verbed"):
        Action("Odd", {"ODD": value})


def test_all_vocabularies_are_known_and_claim_no_value_twice():
    assert {LedgerAction, Sample} <= set(vocabularies())
    assert known_actions()["kite.flown"] is Sample.KITE_FLOWN


def test_a_machine_has_a_key_and_a_label():
    assert (SystemActor("outbox").actor_key, SystemActor("outbox").actor_label) == (
        "system:outbox",
        "Gatebook (outbox)",
    )
