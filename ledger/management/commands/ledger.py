"""`manage ledger`: verify it, prove entries, publish checkpoints, export it, keep its key, be a witness."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger import witness
from ledger.actors import SystemActor
from ledger.errors import GatebookError
from ledger.exporting import export_lines, export_tiles
from ledger.keys import public_keys, rotate_key, signer
from ledger.notes import COSIGNATURE, Verifier
from ledger.outside import checkpoints_in, clock_set_back, disagreements
from ledger.publishing import (
    checkpoint_text,
    consistency_of,
    origin,
    proof_of_entry,
    publish_checkpoint,
)
from ledger.queries import head
from ledger.reconciling import reconcile
from ledger.verification import verify
from ledger.witness import Cosigner, Kept

OPERATOR = SystemActor("command line")
Step = Callable[[int, int], None]


class Command(BaseCommand):
    help = _("Work with the ledger.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        whole = verbs.add_parser("verify", help=_("recompute every hash; exit 1 at the first that is wrong"))
        whole.add_argument(
            "--checkpoint",
            type=Path,
            action="append",
            default=[],
            metavar="PLACE",
            help=_("a checkpoint kept elsewhere, or a folder of them, that the ledger has to continue"),
        )
        verbs.add_parser(
            "reconcile", help=_("name each row that is not as the ledger recorded it last, and exit 1")
        )
        verbs.add_parser("checkpoint", help=_("sign the tree as it stands and print the checkpoint"))
        prove = verbs.add_parser("prove", help=_("print the proof that an entry is in the ledger"))
        prove.add_argument("entry", type=int)
        grown = verbs.add_parser("consistency", help=_("prove that one size of the ledger begins another"))
        grown.add_argument("old", type=int)
        grown.add_argument("new", type=int, nargs="?", help=_("the present size if left out"))
        export = verbs.add_parser("export", help=_("write entries, or the tiles that a mirror serves"))
        where = export.add_mutually_exclusive_group(required=True)
        where.add_argument("--lines", type=Path, metavar="FILE", help=_("one JSON object an entry"))
        where.add_argument("--tiles", type=Path, metavar="FOLDER", help=_("checkpoint, tiles and entries"))
        verbs.add_parser("keys", help=_("print all keys that ever signed here, as others name them"))
        rotate = verbs.add_parser("rotate-key", help=_("sign with a new key from now on"))
        rotate.add_argument("--reason", required=True)
        self._add_witness(verbs.add_parser("witness", help=_("be a witness of somebody else's ledger")))

    def _add_witness(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help=_("your name under the checkpoints you cosign"))
        parser.add_argument("--log", action="append", required=True, metavar="KEY", help=_("of `keys`"))
        parser.add_argument("--state", type=Path, required=True, metavar="FOLDER")
        parser.add_argument("--bind", default="127.0.0.1:8010", metavar="HOST:PORT")

    def handle(self, *args: Any, **options: Any) -> None:
        verb = getattr(self, f"_{options['verb'].replace('-', '_')}")
        try:
            verb(options)
        except (GatebookError, ValueError) as no:
            raise CommandError(str(no)) from no

    def _verify(self, options: dict[str, Any]) -> None:
        with _progress(_("Verifying")) as step:
            verdict = verify(step)
        if not verdict.intact:
            self.stderr.write(str(verdict))
            sys.exit(1)
        self.stdout.write(str(verdict))
        for each in clock_set_back():
            self.stdout.write(each)
        self._continue(options.get("checkpoint") or [])

    def _continue(self, places: list[Path]) -> None:
        """Hold the ledger against what is known outside."""
        files = [file for place in places for file in checkpoints_in(place)]
        found = list(disagreements(files))
        for each in found:
            self.stderr.write(str(each))
        if found:
            sys.exit(1)
        if files:
            said = ngettext("It continues %(n)d checkpoint.", "It continues %(n)d checkpoints.", len(files))
            self.stdout.write(said % {"n": len(files)})

    def _reconcile(self, options: dict[str, Any]) -> None:
        self._verify(options)
        with _progress(_("Comparing")) as step:
            found = reconcile(step)
        for each in found:
            self.stdout.write(str(each))
        if found:
            said = _("%(n)d rows are not as the ledger recorded them last.") % {"n": len(found)}
            self.stderr.write(said)
            sys.exit(1)
        self.stdout.write(_("Every governed row is as the ledger recorded it last."))

    def _checkpoint(self, options: dict[str, Any]) -> None:
        self.stdout.write(checkpoint_text(publish_checkpoint()), ending="")

    def _prove(self, options: dict[str, Any]) -> None:
        self.stdout.write(proof_of_entry(options["entry"]), ending="")

    def _consistency(self, options: dict[str, Any]) -> None:
        new = head().size if options["new"] is None else options["new"]
        if new > head().size:
            raise CommandError(_("The ledger has %(n)d entries.") % {"n": head().size})
        for each in consistency_of(options["old"], new):
            self.stdout.write(each.hex())

    def _export(self, options: dict[str, Any]) -> None:
        checkpoint = publish_checkpoint()
        with _progress(_("Exporting")) as step:
            if options["tiles"]:
                count = export_tiles(options["tiles"], checkpoint, step)
                self.stdout.write(_("%(n)d files written.") % {"n": count})
                return
            with options["lines"].open("x", encoding="utf-8") as out:
                count = export_lines(out, checkpoint, step)
        self.stdout.write(_("%(n)d entries written.") % {"n": count})

    def _keys(self, options: dict[str, Any]) -> None:
        name = origin()
        for key in public_keys():
            until = f"  # {_('retired')} {key.retired_at:%Y-%m-%d}: {key.reason}" if key.retired_at else ""
            self.stdout.write(f"{Verifier(name, bytes.fromhex(key.public))}{until}")

    def _rotate_key(self, options: dict[str, Any]) -> None:
        key = rotate_key(actor=OPERATOR, reason=options["reason"])
        self.stdout.write(str(Verifier(origin(), bytes.fromhex(key.public))))

    def _witness(self, options: dict[str, Any]) -> None:
        key = signer()
        own = Verifier(options["name"], key.public, COSIGNATURE)
        cosigner = Cosigner(
            verifier=own,
            sign=key.sign,
            logs=[Verifier.parse(each) for each in options["log"]],
            kept=Kept(options["state"]),
        )
        host, _colon, port = options["bind"].rpartition(":")
        with witness.server(host, int(port), cosigner) as listening:
            said = _("Witness %(key)s listens on %(bind)s")
            self.stdout.write(said % {"key": own, "bind": options["bind"]})
            self.stdout.flush()
            try:
                listening.serve_forever()
            except KeyboardInterrupt:
                return


@contextmanager
def _progress(words: str) -> Iterator[Step | None]:
    """A progress bar where somebody looks at it."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
