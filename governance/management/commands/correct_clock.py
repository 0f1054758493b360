"""`manage correct_clock`: the clock had run ahead and is right now; its entries' times count no more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.services.clocks import correct_clock
from ledger.actors import SystemActor
from ledger.errors import Invalid, Refused


class Command(BaseCommand):
    """Ends the refusals of a gate check whose records are later than now."""

    help = "Say that the clock had run ahead and is right now. Set the clock first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="what had happened; stands in the ledger")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            found = correct_clock(reason=options["reason"], actor=SystemActor("console"))
        except (Invalid, Refused) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            f"The times of the entries up to {found.through} count no more; one of them was {found.latest}."
        )
