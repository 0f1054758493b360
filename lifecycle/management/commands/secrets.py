"""`manage secrets new-key`, `manage secrets reseal`: the keys under which secrets of connectors are kept."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.actors import SystemActor
from ledger.errors import Refused
from lifecycle.sealing import new_key
from lifecycle.services.connectors import reseal_secrets


class Command(BaseCommand):
    """A new key to put before the old ones, and sealing everything under it."""

    help = "Print a key for GATEBOOK_SECRET_STORE_KEYS, or seal all secrets under the first key of the list."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is to be done."""
        parser.add_argument("act", choices=["new-key", "reseal"])

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        if options["act"] == "new-key":
            self.stdout.write(new_key())
            return
        try:
            count = reseal_secrets(actor=SystemActor("console"))
        except Refused as no:
            raise CommandError(no.text) from no
        self.stdout.write(f"Sealed anew: {count}.")
