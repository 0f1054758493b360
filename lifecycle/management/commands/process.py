"""`manage process`: check, import, export and compare process documents from the shell."""

from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management import CommandError
from django.core.management.base import BaseCommand, CommandParser

from ledger.errors import GatebookError, Invalid
from lifecycle.definitions import ProcessDocument, difference, digest, dump_yaml, load_yaml, stored
from lifecycle.models import ProcessVersion, User
from lifecycle.services.processes import draft_process, publish_process

BAD_CALL = 2


class Command(BaseCommand):
    """Exit code 2 with the place and the reason when a document or a version cannot be used."""

    help = "Check, import, export or compare process documents (YAML)."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        check = verbs.add_parser("check", help="read a document and say its digest, or what is wrong with it")
        check.add_argument("file", type=Path)
        taken = verbs.add_parser("import", help="draft a version from a document")
        taken.add_argument("file", type=Path)
        taken.add_argument("--as", dest="person", required=True, metavar="USER")
        taken.add_argument("--publish", action="store_true", help="and publish it")
        given = verbs.add_parser("export", help="print a version as YAML")
        given.add_argument("version", type=int, help="number of the version's page, as in /process/7/")
        compared = verbs.add_parser("diff", help="say in words what differs between two documents")
        compared.add_argument("old", type=Path)
        compared.add_argument("new", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, "_" + options["verb"])(options)
        except Invalid as problem:
            raise CommandError(f"{problem.where}: {problem}", returncode=BAD_CALL) from problem
        except (GatebookError, PermissionDenied) as problem:
            raise CommandError(str(problem), returncode=BAD_CALL) from problem

    def _check(self, options: dict[str, Any]) -> None:
        document = _read(options["file"])
        self.stdout.write(f"{document.name}: {len(document.tasks)} tasks, digest {digest(document)}")

    def _import(self, options: dict[str, Any]) -> None:
        actor = User.objects.filter(username=options["person"]).first()
        if actor is None:
            raise Invalid("not_found", f"There is no person “{options['person']}”.", "--as")
        version = draft_process(document=_read(options["file"]), actor=actor)
        if options["publish"]:
            version = publish_process(version=version, actor=actor)
        self.stdout.write(f"{version}, {version.get_state_display().lower()}, version {version.pk}")

    def _export(self, options: dict[str, Any]) -> None:
        version = ProcessVersion.objects.filter(pk=options["version"]).first()
        if version is None:
            raise Invalid("not_found", "There is no such version.", "version")
        self.stdout.write(dump_yaml(stored(version.document)), ending="")

    def _diff(self, options: dict[str, Any]) -> None:
        changes = difference(_read(options["old"]), _read(options["new"]))
        for change in changes:
            self.stdout.write(str(change.words))
        if not changes:
            self.stdout.write("The documents say the same.")


def _read(path: Path) -> ProcessDocument:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Invalid("file_unreadable", f"{path}: {error.strerror}.", "file") from error
    return load_yaml(raw)
