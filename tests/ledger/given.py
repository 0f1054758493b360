"""What the ledger's tests start from."""

from django.contrib.auth.models import Group
from django.db import connection, transaction

from ledger.actions import Action
from ledger.actors import SystemActor
from ledger.models import Entry
from ledger.services import Record, append, append_many


class Deed(Action):
    KITE_BUILT = "kite_of_tests.built"
    KITE_FLOWN = "kite_of_tests.flown"


ACTOR = SystemActor("tests")


def subject(name: str = "a kite") -> Group:
    """Any saved record will do; a group belongs to Django itself."""
    return Group.objects.get_or_create(name=name)[0]


def append_one(**changes) -> Entry:
    """One entry in a transaction of its own."""
    values = {"actor": ACTOR, "action": Deed.KITE_FLOWN, "project": "kites", "detail": {"height": 20}}
    if "subject" not in changes:
        values["subject"] = subject()
    with transaction.atomic():
        return append(**values | changes)


def entries(count: int) -> list[Entry]:
    """So many entries, each of its own transaction."""
    return [append_one(detail={"height": height}) for height in range(count)]


def sql(statement: str, *parameters: object) -> None:
    """Do it to the database behind the application's back."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def add_entries(count: int) -> None:
    """So many entries at once, for what only needs a tree."""
    of = subject()
    with transaction.atomic():
        append_many(
            Record(ACTOR, Deed.KITE_FLOWN, of, project="kites", detail={"height": height})
            for height in range(count)
        )
