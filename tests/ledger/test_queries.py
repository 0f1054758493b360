import pytest

from ledger import queries
from ledger.actors import SystemActor
from ledger.merkle import EMPTY_ROOT
from tests.ledger.given import Deed, append_one, subject

pytestmark = pytest.mark.django_db


def test_the_head_of_an_empty_ledger_is_the_empty_tree(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert queries.head() == queries.Head(0, EMPTY_ROOT.hex())


@pytest.mark.parametrize("count", [1, 4])
def test_entries_of_a_project_come_in_order_at_a_constant_cost(django_assert_num_queries, count):
    mine = [append_one(project="kites") for _ in range(count)]
    append_one(project="boats")
    append_one(project=None)

    with django_assert_num_queries(1):
        found = [(entry, entry.payload.content["detail"]) for entry in queries.entries_of_project("kites")]

    assert found == [(entry, {"height": 20}) for entry in mine]


def test_entries_of_a_subject_are_found_after_its_deletion_too(django_assert_num_queries):
    kite, boat = subject("kite"), subject("boat")
    mine = append_one(subject=kite)
    append_one(subject=boat)
    key = kite.pk
    kite.delete()

    with django_assert_num_queries(1):
        found = list(queries.entries_of_subject(type(kite)(pk=key)))

    assert found == [mine]


def test_entries_of_an_actor_are_its_own(django_assert_num_queries):
    mine = append_one(actor=SystemActor("a"))
    append_one(actor=SystemActor("b"))

    with django_assert_num_queries(1):
        assert list(queries.entries_of_actor("system:a")) == [mine]


def test_who_did_something_in_a_project_is_known(django_assert_num_queries):
    append_one(actor=SystemActor("a"), action=Deed.KITE_FLOWN)
    append_one(actor=SystemActor("a"), action=Deed.KITE_FLOWN)
    append_one(actor=SystemActor("b"), action=Deed.KITE_BUILT)
    append_one(actor=SystemActor("c"), action=Deed.KITE_FLOWN, project="boats")

    with django_assert_num_queries(1):
        assert queries.actors_of(project="kites", actions=[Deed.KITE_FLOWN]) == {"system:a"}
