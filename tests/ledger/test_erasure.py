import pytest

from ledger.actors import SystemActor
from ledger.errors import Invalid, Refused
from ledger.models import Entry, Payload
from ledger.services import erase_payload
from ledger.verification import verify
from tests.ledger.given import append_one, entries

pytestmark = pytest.mark.django_db
CLERK = SystemActor("clerk")


def test_an_erased_payload_is_gone_recorded_and_the_tree_still_verifies():
    append_one(detail={"name": "Ada Lovelace"}, project="kites")
    before = entries(3)[-1]

    erasure = erase_payload(index=0, actor=CLERK, reason=" she asked for it ")

    payload = Payload.objects.get(pk=0)
    assert (payload.salt, payload.body, payload.content, payload.erased) == (None, None, {}, True)
    assert payload.erased_at == erasure.recorded_at
    assert (erasure.index, erasure.action, erasure.actor) == (4, "payload.erased", "system:clerk")
    assert (erasure.subject_type, erasure.subject_id, erasure.project) == ("ledger.entry", "0", "kites")
    assert Payload.objects.get(pk=4).content["detail"] == {"reason": "she asked for it"}
    assert Entry.objects.get(pk=before.index).leaf_hash == before.leaf_hash
    assert (verify().size, verify().fault) == (5, None)


def test_the_record_of_an_erasure_holds_nothing_of_what_was_erased():
    entry = append_one(detail={"name": "Ada Lovelace"})

    erasure = erase_payload(index=entry.index, actor=CLERK, reason="asked")

    assert "Ada" not in Payload.objects.get(pk=erasure.index).body


def test_the_payload_of_an_erasure_can_be_erased_as_well():
    entries(1)
    erasure = erase_payload(index=0, actor=CLERK, reason="named her by mistake")

    erase_payload(index=erasure.index, actor=CLERK, reason="asked")

    assert (verify().size, verify().fault) == (3, None)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_an_erasure_without_a_reason_is_refused(reason):
    entries(1)

    with pytest.raises(Invalid) as no:
        erase_payload(index=0, actor=CLERK, reason=reason)

    assert (no.value.code, no.value.where) == ("no_reason", "reason")
    assert not Payload.objects.get().erased


def test_what_is_not_there_can_not_be_erased():
    with pytest.raises(Invalid) as no:
        erase_payload(index=7, actor=CLERK, reason="asked")

    assert (no.value.code, str(no.value)) == ("no_such_entry", "The ledger has no entry 7.")


def test_a_second_erasure_is_refused_and_leaves_no_trace():
    entries(1)
    erase_payload(index=0, actor=CLERK, reason="asked")

    with pytest.raises(Refused) as no:
        erase_payload(index=0, actor=CLERK, reason="asked again")

    assert no.value.code == "already_erased"
    assert Entry.objects.count() == 2
