"""`manage ledger verify`: recompute the ledger and say whether it is intact."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.verification import Verdict, verify


class Command(BaseCommand):
    help = _("Work with the ledger: verify.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        verbs.add_parser("verify", help=_("recompute every hash; if one is wrong name its entry and exit 1"))

    def handle(self, *args: Any, **options: Any) -> None:
        verdict = self._verify()
        if verdict.intact:
            self.stdout.write(str(verdict))
            return
        self.stderr.write(str(verdict))
        sys.exit(1)

    def _verify(self) -> Verdict:
        if not sys.stderr.isatty():
            return verify()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(_("Verifying"), total=None)
            return verify(lambda done, total: bar.update(task, completed=done, total=total))
