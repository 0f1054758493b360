"""`manage witnesses`: who else is asked to cosign the ledger's checkpoints."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ledger.actors import SystemActor
from ledger.errors import GatebookError
from ledger.models import Witness
from reports.services.log import add_witness, remove_witness

OPERATOR = SystemActor("command line")


class Command(BaseCommand):
    help = _("Say who cosigns the ledger's checkpoints.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("list", help=_("who is asked, and what they said last"))
        add = verbs.add_parser("add", help=_("ask somebody from now on"))
        add.add_argument("name")
        add.add_argument("url", help=_("where it listens, without /add-checkpoint"))
        add.add_argument("key", help=_("as `manage ledger witness` prints it"))
        verbs.add_parser("remove", help=_("ask no more; cosignatures stay")).add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except GatebookError as no:
            raise CommandError(str(no)) from no

    def _list(self, options: dict[str, Any]) -> None:
        for witness in Witness.objects.filter(enabled=True):
            said = witness.said or _("cosigned %(n)d entries") % {"n": witness.size}
            self.stdout.write(f"{witness.name}  {witness.url}  {said}")

    def _add(self, options: dict[str, Any]) -> None:
        add_witness(name=options["name"], url=options["url"], verifier=options["key"], actor=OPERATOR)

    def _remove(self, options: dict[str, Any]) -> None:
        remove_witness(name=options["name"], actor=OPERATOR)
