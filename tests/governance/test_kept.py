"""Signatures and what they stand under are kept as they were written: no page, shell or API edits them."""

import pytest
from django.db import DatabaseError, connection, transaction

from governance.models import CriterionResult, Evaluation, GateAsk, Signoff, Staleness
from governance.services.gate_checks import ask_gate
from governance.services.staleness import live_authorizations
from tests import make_gates

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def kept():
    given = make_gates.authorization()
    ask_gate(point="rest", model_digest=given.model_digest, environment="production")
    evaluation = make_gates.evaluation_of(given.gate)
    Staleness.objects.create(evaluation=evaluation, changes=[], found_at=evaluation.evaluated_at)
    return given


MODELS = (Signoff, Evaluation, CriterionResult, GateAsk, Staleness)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("way", ["update", "delete", "raw"])
def test_the_database_itself_refuses_to_change_it(kept, model, way):
    before = list(model.objects.values())
    assert before
    table = model._meta.db_table

    with pytest.raises(DatabaseError, match="kept as they are"), transaction.atomic():
        if way == "update":
            model.objects.update(id=model.objects.first().pk)
        elif way == "delete":
            model.objects.all()._raw_delete("default")
        else:
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {table} SET id = id")

    assert list(model.objects.values()) == before


@pytest.mark.parametrize("model", MODELS)
def test_no_row_is_replaced(kept, model):
    table = model._meta.db_table
    way = (
        "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"
        if connection.vendor == "sqlite"
        else "TRUNCATE {0} CASCADE"
    )
    with (
        pytest.raises(DatabaseError, match="kept as they are"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET CONSTRAINTS ALL IMMEDIATE"
            )  # a table with unchecked references is refused before
        cursor.execute(way.format(table))


def test_a_signature_has_no_way_out_by_the_shell(kept):
    signature = Signoff.objects.first()
    with pytest.raises(TypeError, match="never edited"):
        signature.save()
    with pytest.raises(TypeError, match="never deleted"):
        signature.delete()
    assert live_authorizations(pk=kept.pk)
