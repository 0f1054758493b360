"""`manage frameworks`: bring in the frameworks that ship, add one of your own, look at projects anew."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.utils import timezone

from governance.errors import Invalid, Refused
from governance.models import Framework, FrameworkUse
from governance.oscal.reading import read_document
from governance.queries.oscal import KINDS, framework_catalog
from governance.services.compliance import look_at
from governance.services.frameworks import add_framework, load_frameworks
from lifecycle.models import Project, User


class Command(BaseCommand):
    """Frameworks and where projects stand."""

    help = (
        "load: those that ship. add FILE --as USER: one of your own, in our form or as OSCAL. list. "
        "export KEY: as OSCAL. recompute: look at all projects."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["load", "add", "list", "export", "recompute"])
        parser.add_argument("file", nargs="?", help="add: a framework as YAML or JSON; export: its key")
        parser.add_argument("--as", dest="person", help="user name of who adds it")
        parser.add_argument("--key", default="", help="add: the key of what OSCAL gives no key")
        parser.add_argument(
            "--kind", default="", choices=["", *Framework.Kind.values], help="add: what it is"
        )
        parser.add_argument("--release", default="", help="export: another version than the current")
        parser.add_argument("--project", default="", help="export: slug of the project that it is about")
        parser.add_argument("--oscal", default="catalog", choices=list(KINDS), help="export: what to write")

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
            raw = Path(options["file"]).read_bytes()
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from error
        try:
            added = add_framework(
                data=read_document(raw), actor=person, key=options["key"], kind=options["kind"]
            )
        except PermissionDenied as no:
            raise CommandError(str(no)) from no
        self.stdout.write(f"{added.key} {added.version}: {added.digest}")

    def _export(self, options: dict[str, Any]) -> None:
        key, project = options["file"] or "", options["project"]
        if project:
            uses = FrameworkUse.objects.filter(
                project__slug=project, framework__key=key, ended_at__isnull=True
            )
            use = uses.select_related("project", "framework").first()
            if use is None:
                raise CommandError(f"{project} is not measured by {key or 'nothing: name a framework'}.")
            made = KINDS[options["oscal"]](use, timezone.now())
        else:
            if options["oscal"] != "catalog":
                raise CommandError("Say which --project it is about.")
            chosen = {"version": options["release"]} if options["release"] else {"current": True}
            framework = Framework.objects.filter(key=key, **chosen).first()
            if framework is None:
                raise CommandError(f"There is no framework {key} {options['release']}".strip() + ".")
            made = framework_catalog(framework)
        self.stdout.write(json.dumps(made, ensure_ascii=False, indent=1))

    def _list(self, options: dict[str, Any]) -> None:
        for each in Framework.objects.order_by("key", "version"):
            mark = "*" if each.current else " "
            self.stdout.write(f"{mark} {each.key} {each.version}: {each.title}")

    def _recompute(self, options: dict[str, Any]) -> None:
        measured = FrameworkUse.objects.filter(ended_at__isnull=True).values("project")
        for project in Project.objects.filter(pk__in=measured).order_by("pk"):
            self.stdout.write(f"{project.slug}: {len(look_at(project=project))} controls stand elsewhere")
