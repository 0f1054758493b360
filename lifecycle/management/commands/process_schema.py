"""Print or write the JSON Schema of process documents."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from lifecycle.definitions.schema import SCHEMA_FILE, schema_text


class Command(BaseCommand):
    """`manage.py process_schema` prints it, with `--write` the published file is renewed."""

    help = "Print the JSON Schema of process documents, or renew the published file."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help=f"write {SCHEMA_FILE.name}")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
            self.stdout.write(str(SCHEMA_FILE))
        else:
            self.stdout.write(schema_text(), ending="")
