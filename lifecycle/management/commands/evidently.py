"""`manage evidently PROJECT FILE …`: record what Evidently wrote as monitoring runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.errors import GatebookError
from lifecycle.intake.strict_json import read_json
from lifecycle.models import Project, User
from lifecycle.services.evidently_intake import record_evidently


class Command(BaseCommand):
    help = "Record snapshots, reports or test suites of Evidently (JSON files) as monitoring runs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Project, files, and in whose name."""
        parser.add_argument("project", help="name in addresses (slug)")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--user", required=True, help="user name of whoever records them")
        parser.add_argument("--title", default="", help="default: the file's name")
        parser.add_argument("--model", default="", help="SHA-256 of the model that was looked at")

    def handle(self, *args: Any, **options: Any) -> None:
        """Each file is one run; the first that is refused ends the command."""
        project = Project.objects.filter(slug=options["project"]).first()
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if project is None or user is None:
            raise CommandError("There is no such project or no such person.")
        for file in map(Path, options["files"]):
            if not file.is_file():
                raise CommandError(f"There is no file {file}.")
            if file.stat().st_size > settings.GATEBOOK_INTAKE_BYTES:
                raise CommandError(f"{file} is larger than GATEBOOK_INTAKE_MB allows.")
            try:
                kept = record_evidently(
                    project=project, document=read_json(file.read_bytes(), constants=True), actor=user,
                    title=options["title"] or file.stem, model_digest=options["model"],
                )  # fmt: skip
            except (GatebookError, PermissionDenied) as no:
                raise CommandError(f"{file}: {no}") from no
            self.stdout.write(f"{file}: run {kept.run_id} {kept.outcome}")
