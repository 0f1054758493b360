"""`./gatebook manage report`: makes a document and writes it where it is wanted."""

from __future__ import annotations

import difflib
import os
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.errors import GatebookError
from lifecycle.models import Project
from reports.models import Report
from reports.queries.choices import OF_ALL
from reports.rendering.errors import RenderFailed
from reports.sealing.errors import SealFailed
from reports.services.making import make_report

BAD_CALL = 2
BAR = 28
CHOICES = ("gate", "model", "since", "framework", "paper")


class Command(BaseCommand):
    """Exit codes: 0 made, 1 could not be made, 2 a bad call."""

    help = "Make a document of a project, such as: report lifecycle pizzatron --out pizzatron.pdf"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=Report.Kind.values, help="what to make")
        parser.add_argument(
            "project",
            nargs="?",
            default="",
            help="short name of the project; none for portfolio and inventory",
        )
        parser.add_argument("--out", type=Path, help="file to write; without it the report is only filed")
        parser.add_argument(
            "--gate", help="certificate: key or number of the gate; the last decided if left out"
        )
        parser.add_argument(
            "--model", help="model-card: number or digest of the version; the newest if left out"
        )
        parser.add_argument("--since", help="monitoring, audit-trail: where the period begins")
        parser.add_argument(
            "--framework",
            help="compliance, applicability: key of the framework; the only one in use if left out. "
            "annex-iv: eu-ai-act",
        )
        parser.add_argument("--paper", help="A4 or letter")
        parser.add_argument(
            "--as-of", help="moment that it speaks of, such as 2026-11-20 or 2026-11-20T18:00Z"
        )

    def handle(self, *args: object, **options: Any) -> None:
        project = _project(options["project"]) if options["kind"] not in OF_ALL else None
        out: Path | None = options["out"]
        if out is not None:
            _check_writable(out)
        as_of = _moment(options["as_of"]) if options["as_of"] else None
        self._wide = 0
        try:
            report = make_report(
                project=project,
                kind=options["kind"],
                options={name: options[name] for name in CHOICES},
                as_of=as_of,
                out=out,
                progress=self._progress,
            )
        except GatebookError as no:
            raise CommandError(str(no), returncode=BAD_CALL) from no
        except (RenderFailed, SealFailed, OSError) as failure:
            raise CommandError(_("The report was not made: %(why)s") % {"why": failure}) from failure
        finally:
            self._clear()
        self.stdout.write(str(out.absolute()) if out else report.file_path or report.path)
        self.stdout.write(f"SHA-256 {report.digest}")
        pages = report.pages or 0
        self.stdout.write(ngettext("%(n)d page", "%(n)d pages", pages) % {"n": pages})

    def _progress(self, words: str, share: float) -> None:
        if not sys.stderr.isatty():
            return
        full = round(BAR * min(max(share, 0.0), 1.0))
        line = f"{'█' * full}{'░' * (BAR - full)} {share:4.0%}  {words}"
        self.stderr.write("\r" + line.ljust(self._wide), ending="")
        self.stderr.flush()
        self._wide = len(line)

    def _clear(self) -> None:
        if self._wide:
            self.stderr.write("\r" + " " * self._wide + "\r", ending="")
            self.stderr.flush()


def _project(name: str) -> Project:
    found = Project.objects.filter(Q(slug=name) | Q(slug=name.lower())).first()
    if found is not None:
        return found
    known = list(Project.objects.order_by("slug").values_list("slug", flat=True)[:1000])
    text = _("There is no project “%(name)s”.") % {"name": name}
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    if near:
        text += " " + _("Did you mean %(near)s?") % {"near": ", ".join(near)}
    elif known:
        text += " " + _("There are: %(known)s.") % {"known": ", ".join(known[:12])}
    else:
        text += " " + _("There is no project yet; ./gatebook demo makes one.")
    raise CommandError(text, returncode=BAD_CALL)


def _check_writable(out: Path) -> None:
    """Say so before the work of a minute, not after it."""
    if out.is_dir():
        raise CommandError(_("%(path)s is a folder; name a file.") % {"path": out}, returncode=BAD_CALL)
    folder = out.absolute().parent
    if not folder.is_dir():
        raise CommandError(_("The folder %(path)s does not exist.") % {"path": folder}, returncode=BAD_CALL)
    if not os.access(folder, os.W_OK):
        raise CommandError(_("You may not write in %(path)s.") % {"path": folder}, returncode=BAD_CALL)


def _moment(text: str) -> datetime:
    """A time in UTC unless it says otherwise; a bare day means its end, or now if the day is today."""
    try:
        day, moment = parse_date(text), parse_datetime(text)
    except ValueError:
        day = moment = None
    if day is not None:
        end = datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
        return min(end, datetime.now(UTC)) if day == datetime.now(UTC).date() else end
    if moment is None:
        text = _("“%(text)s” is no time; write 2026-11-20 or 2026-11-20T18:00Z.") % {"text": text}
        raise CommandError(text, returncode=BAD_CALL)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
