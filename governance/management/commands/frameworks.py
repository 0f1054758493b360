"""`manage frameworks`: bring in the frameworks that ship, add one of your own, look at projects anew."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.core.management.base import BaseCommand

from governance.errors import Invalid, Refused
from governance.models import Framework, FrameworkUse
from governance.services.compliance import look_at
from governance.services.frameworks import add_framework, load_frameworks
from lifecycle.definitions.text import read_yaml
from lifecycle.models import Project, User


class Command(BaseCommand):
    """Frameworks and where projects stand."""

    help = (
        "load: those that ship. add FILE --as USER: one of your own. list. recompute: look at all projects."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["load", "add", "list", "recompute"])
        parser.add_argument("file", nargs="?", help="a framework as YAML")
        parser.add_argument("--as", dest="person", help="user name of who adds it")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(options)
        except Invalid as no:
            raise CommandError(f"{no.where}: {no}") from no
        except Refused as no:
            raise CommandError(str(no)) from no

    def _load(self, options: dict[str, Any]) -> None:
        for each in load_frameworks():
            self.stdout.write(f"{each.key} {each.version}: {each.title}")

    def _add(self, options: dict[str, Any]) -> None:
        if not options["file"] or not options["person"]:
            raise CommandError("Say which file, and --as whom.")
        person = User.objects.filter(username=options["person"]).first()
        if person is None:
            raise CommandError(f"There is nobody named {options['person']}.")
        try:
            text = Path(options["file"]).read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        added = add_framework(data=read_yaml(text), actor=person)
        self.stdout.write(f"{added.key} {added.version}: {added.digest}")

    def _list(self, options: dict[str, Any]) -> None:
        for each in Framework.objects.order_by("key", "version"):
            mark = "*" if each.current else " "
            self.stdout.write(f"{mark} {each.key} {each.version}: {each.title}")

    def _recompute(self, options: dict[str, Any]) -> None:
        measured = FrameworkUse.objects.filter(ended_at__isnull=True).values("project")
        for project in Project.objects.filter(pk__in=measured).order_by("pk"):
            self.stdout.write(f"{project.slug}: {len(look_at(project=project))} controls stand elsewhere")
