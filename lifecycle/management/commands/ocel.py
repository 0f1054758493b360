"""Write the events of a project as OCEL 2.0."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lifecycle.models import Project
from lifecycle.queries.ocel import ocel_of


class Command(BaseCommand):
    """Export the event log of a project."""

    help = "Write the event log of a project as OCEL 2.0 JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The project's short name, and where to write."""
        parser.add_argument("project", help="short name of the project")
        parser.add_argument("--out", required=True, type=Path, help="file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file; CommandError for a project that is not there and a file that cannot be written."""
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project {options['project']}.")
        out: Path = options["out"]
        try:
            with out.open("w", encoding="utf-8") as file:
                for piece in ocel_of(project):
                    file.write(piece)
        except OSError as error:
            raise CommandError(f"{out} can not be written: {error.strerror}.") from error
        self.stdout.write(f"{out}: {out.stat().st_size} bytes")
