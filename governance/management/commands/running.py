"""`manage running`: look at what runs now, list it, say where it is looked."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from governance.errors import Invalid, Refused
from governance.models import Sighting
from governance.services.looks import look_at, places_of
from governance.services.running_places import watch_files
from governance.services.sightings import ClockBehind, judge_again
from ledger.actors import SystemActor
from lifecycle.models import Project

CONSOLE = SystemActor("console")


class Command(BaseCommand):
    """What runs, compared with what is authorized."""

    help = (
        "look: at every place (of --project) now; ends with 1 where something runs without an authorization, "
        "with 2 where a place could not be looked at. list: what was seen last. "
        "watch-files PATH --project P --environment E: look there too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["look", "list", "watch-files"])
        parser.add_argument("path", nargs="?", default="", help="watch-files: below GATEBOOK_MODEL_ROOTS")
        parser.add_argument("--project", default="", help="slug; of this one only")
        parser.add_argument("--environment", default="", help="watch-files: where what lies there runs")
        parser.add_argument("--afresh", action="store_true", help="look: read every file again")

    def handle(self, *args: object, **options: Any) -> None:
        project = self._project(options["project"])
        try:
            {"look": self._look, "list": self._list, "watch-files": self._watch}[options["what"]](
                project, options
            )
        except (Invalid, Refused) as no:
            raise CommandError(str(no)) from no

    def _project(self, slug: str) -> Project | None:
        if not slug:
            return None
        found = Project.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"There is no project {slug}.")
        return found

    def _look(self, project: Project | None, options: dict[str, Any]) -> None:
        places = places_of(project.pk if project else None)
        found = look_at(places=places, actor=CONSOLE, afresh=options["afresh"])
        try:
            judge_again()
        except ClockBehind as no:
            found.problems.append(str(no))
        for problem in found.problems:
            self.stderr.write(problem)
        bad = self._list(project, options)
        if bad or found.problems:
            raise SystemExit(1 if bad else 2)

    def _list(self, project: Project | None, options: dict[str, Any]) -> int:
        rows = Sighting.objects.exclude(state=Sighting.State.GONE)
        rows = rows.filter(project=project) if project else rows
        bad = 0
        for each in rows.order_by("environment", "source", "where"):
            bad += each.state == Sighting.State.UNAUTHORIZED
            self.stdout.write(
                f"{each.state}: {each.where} ({each.source}) in {each.environment}, "
                f"{each.digest[:16] or 'unknown'}: {each.reason}"
            )
        return bad

    def _watch(self, project: Project | None, options: dict[str, Any]) -> None:
        if project is None:
            raise CommandError("Say which --project it is.")
        place = watch_files(
            project=project, path=options["path"], environment=options["environment"], actor=CONSOLE
        )
        self.stdout.write(f"{place} is looked at every minute.")
