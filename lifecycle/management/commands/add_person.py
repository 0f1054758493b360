"""Opens an account from the console: the first administrator, for instance."""

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.actors import SystemActor
from lifecycle.errors import Invalid
from lifecycle.models import User
from lifecycle.services.users import add_person

PASSWORD_VARIABLE = "GATEBOOK_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    """The password is asked for, or read from the environment; never given on the command line."""

    help = f"Add a person. The password comes from a prompt, or from {PASSWORD_VARIABLE}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", help="name to sign in with")
        parser.add_argument("--name", help="printed name")
        parser.add_argument("--email")
        parser.add_argument("--role", choices=User.OrgRole.values, default=User.OrgRole.MEMBER.value)

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"] or self._ask("User name")
        name = options["name"] or self._ask("Printed name")
        email = options["email"] or self._ask("E-mail address")
        try:
            user = add_person(
                username=username, name=name, email=email, password=self._password(),
                org_role=options["role"],
                actor=SystemActor("console"),
            )  # fmt: skip
        except Invalid as error:
            raise CommandError(f"{error.where}: {error}") from error
        self.stdout.write(f"Added {user} as {user.username} ({user.get_org_role_display()}).")

    def _ask(self, what: str) -> str:
        self._require_terminal(what)
        return input(f"{what}: ").strip()

    def _password(self) -> str:
        given = os.environ.get(PASSWORD_VARIABLE)
        if given is not None:
            return given
        self._require_terminal(f"The password (or set {PASSWORD_VARIABLE})")
        first = getpass.getpass("Password: ")
        if getpass.getpass("Password again: ") != first:
            raise CommandError("The two passwords differ.")
        return first

    @staticmethod
    def _require_terminal(what: str) -> None:
        if not sys.stdin.isatty():
            raise CommandError(f"{what} is missing, and there is no terminal to ask on.")
