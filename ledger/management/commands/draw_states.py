"""`manage draw_states`: write docs/state-machines.md from the tables in the code."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ledger.states import MACHINES, as_markdown


class Command(BaseCommand):
    help = "Draw every declared state machine into docs/state-machines.md."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the page is current")

    def handle(self, *args: Any, **options: Any) -> None:
        page = Path(settings.BASE_DIR) / "docs" / "state-machines.md"
        drawn = as_markdown(MACHINES)
        if not options["check"]:
            page.write_text(drawn, encoding="utf-8")
            self.stdout.write(f"{page}: {len(MACHINES)} machines")
        elif not page.exists() or page.read_text(encoding="utf-8") != drawn:
            raise CommandError(f"{page} is not current: run ./gatebook manage draw_states")
