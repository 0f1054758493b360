"""`manage pizzatron STORE`: what a store should promote, from the authorized model only."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from config.demo.recommendations import answer
from ledger.errors import Invalid


class Command(BaseCommand):
    """Asks the live model if the gate check allows it, else the benchmark, and says which it was."""

    help = "What should this store promote? For example: pizzatron IT-003 --week 2026-03-02"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("store", help="such as US-001, IT-003 or JP-010")
        parser.add_argument("--week", default="", help="a day of the week; the newest week if left out")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            said = answer(store=options["store"], week=options["week"])
        except Invalid as problem:
            raise CommandError(f"{problem.where}: {problem}", returncode=2) from problem
        self.stdout.write(f"{said.store}, week of {said.week}")
        for number, item in enumerate(said.suggestions, start=1):
            self.stdout.write(f"{number}. {item.pizza}: {item.reason}")
        if said.by_model and said.decision:
            self.stdout.write(f"By model {said.decision.model_digest[:16]}. {said.decision.reasons[0]}")
        else:
            why = " ".join(said.decision.reasons) if said.decision else "No model is live."
            self.stdout.write(f"By last year's benchmark, not by the model. {why}")
