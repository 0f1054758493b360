"""`manage gate_check`: may this model run there? Exit code 0 allow, 1 deny, 2 a bad call."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from governance.errors import Invalid
from governance.models import GateAsk
from governance.queries.gate_checks import read_scope
from governance.services.gate_checks import ask_gate
from ledger.actors import SystemActor


class Command(BaseCommand):
    """Print the decision with its reasons as JSON."""

    help = "Is this model digest authorized for that environment? Exit code: 0 allow, 1 deny, 2 bad call."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--model-digest", required=True, help="SHA-256 of the model's artifact, hexadecimal"
        )
        parser.add_argument("--environment", required=True, help="such as production")
        parser.add_argument(
            "--scope", action="append", default=[], help="such as country=IT; may be repeated"
        )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = _fail  # type: ignore[method-assign]  # a bad call always ends with 2 and JSON
        return parser

    def handle(self, *args: object, **options: Any) -> None:
        try:
            scope: dict[str, list[str]] = {}
            for text in options["scope"]:
                key, value = read_scope(text)
                scope.setdefault(key, []).append(value)
            decision = ask_gate(
                point=GateAsk.Point.COMMAND,
                actor=SystemActor("command"),
                model_digest=options["model_digest"],
                environment=options["environment"],
                scope=scope,
            )
        except Invalid as problem:
            _fail(f"{problem.where}: {problem}")
        self.stdout.write(json.dumps(decision.as_dict(), indent=2, ensure_ascii=False))
        if not decision.allow:
            raise CommandDenied


class CommandDenied(CommandError):
    """The answer is no; it has been printed."""

    def __init__(self) -> None:
        super().__init__(_("denied"), returncode=1)


def _fail(message: str) -> NoReturn:
    sys.stderr.write(json.dumps({"error": message}, ensure_ascii=False) + "\n")
    raise SystemExit(2)
