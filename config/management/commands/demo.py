"""`./gatebook demo`: a real model goes through its whole governed life, then the site is served."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from config.demo import flights, pizzatron
from config.demo.console import DemoConsole
from config.demo.people import CAST, logins
from config.demo.worker import DemoError, worker
from ledger.errors import GatebookError
from lifecycle.models import Project
from reports.services.making import make_report

STORIES: dict[str, Callable[..., Project]] = {"pizzatron": pizzatron.tell, "flights": flights.tell}


class Command(BaseCommand):
    """Tells a story through the services, with a real worker, and leaves its report."""

    help = "Tell a story (pizzatron or flights) with real runs, then serve the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("story", nargs="?", choices=sorted(STORIES), default="pizzatron")
        parser.add_argument("--no-serve", action="store_true", help="stop before serving the site")
        parser.add_argument(
            "--leave-gate",
            action="store_true",
            help="pizzatron: end at the last deployment decision, which then waits for your signature",
        )
        parser.add_argument("--bind", help="address and port of the site")

    def handle(self, *args: object, **options: Any) -> None:
        if options["leave_gate"] and options["story"] != "pizzatron":
            raise CommandError("--leave-gate goes with the story pizzatron.")
        extra = {"leave_gate": True} if options["leave_gate"] else {}
        console, begun = DemoConsole(), time.monotonic()
        call_command("migrate", verbosity=0, interactive=False)
        console.title(f"Gatebook demo: {options['story']}")
        try:
            with worker():
                project = STORIES[options["story"]](console, **extra)
        except (DemoError, GatebookError) as problem:
            raise CommandError(str(problem)) from problem
        self._report(console, project)
        call_command("ledger", "verify", stdout=self.stdout)
        self._people(console)
        console.line(f"Told in {time.monotonic() - begun:.0f} s.")
        if not options["no_serve"]:
            given = ["--bind", options["bind"]] if options["bind"] else []
            call_command("serve", *given)

    def _report(self, console: DemoConsole, project: Project) -> None:
        with console.step("The lifecycle report as PDF") as progress:
            report = make_report(project=project, progress=lambda words, share: progress(share, words))
        console.title("The report")
        console.line(report.file_path)

    def _people(self, console: DemoConsole) -> None:
        console.title("People of the demo, user name and password")
        passwords = logins()
        for part in CAST:
            console.line(f"{part.username:8} {passwords[part.username]}  {part.name}: {part.says}")
