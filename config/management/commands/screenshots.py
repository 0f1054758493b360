"""`manage screenshots`: the pictures of README and guide, taken from a running site with the demo's story."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import CommandError
from django.core.management.base import BaseCommand
from django.urls import reverse
from PIL import Image

from config.demo.people import logins
from config.demo.pizzatron import SLUG
from governance.models import Gate
from lifecycle.models import Handoff, Project, Run, Task
from reports.models import Report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDTH = 1280
MOST_BYTES = 150_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
REPORT_WIDTH = 620
MISSING = "Tell the story first: ./gatebook demo --leave-gate"


@dataclass(frozen=True)
class Shot:
    """A picture of a page: who looks, where, how much of it, and what is opened or scrolled to before."""

    name: str
    who: str
    url: str
    height: int = 860
    scheme: str = "light"
    to: str = ""
    press: str = ""


class Command(BaseCommand):
    """Logs in as the people of the story and photographs what they see."""

    help = "Take the pictures of the guide. Wants a running site with `demo --leave-gate` told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, default=settings.BASE_DIR / "docs" / "pictures")
        parser.add_argument("--url", default=settings.GATEBOOK_URL or "http://127.0.0.1:8000")
        parser.add_argument("--only", nargs="*", default=[], help="names of pictures")

    def handle(self, *args: object, **options: Any) -> None:
        try:
            # Only who makes the pictures has it installed.
            from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415
        except ImportError as problem:
            raise CommandError("Playwright is not installed: it comes with the group `test`.") from problem
        out: Path = options["out"]
        out.mkdir(parents=True, exist_ok=True)
        wanted = set(options["only"])
        # All records are read before, since Django's ORM refuses to work under a browser's event loop.
        shots, report = list(shots_of_story()), newest_report()
        picked = [each for each in shots if not wanted or each.name in wanted]
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
                self._take(browser, picked, out, options["url"])
                browser.close()
        except Error as problem:
            raise CommandError(f"{options['url']}: {problem.message}") from problem
        for name, picture in report_pages(report):
            if not wanted or name in wanted:
                self._keep(picture, out / f"{name}.png")

    def _take(self, browser: Browser, shots: list[Shot], out: Path, url: str) -> None:
        for who in dict.fromkeys(each.who for each in shots):
            context = browser.new_context(base_url=url, viewport={"width": WIDTH, "height": 900})
            page = context.new_page()
            log_in(page, who)
            for shot in (each for each in shots if each.who == who):
                self._keep(Image.open(io.BytesIO(photograph(page, shot))), out / f"{shot.name}.png")
            context.close()

    def _keep(self, picture: Image.Image, path: Path) -> None:
        raw = squeezed(picture)
        path.write_bytes(raw)
        self.stdout.write(f"{path} {len(raw) // 1000} kB")
        if len(raw) > MOST_BYTES:
            self.stderr.write(f"{path} has more than {MOST_BYTES // 1000} kB.")


def chromium() -> str:
    """Where the system's Chromium is. CommandError if there is none."""
    for name in CHROMIUM:
        if found := shutil.which(name):
            return found
    raise CommandError("No Chromium on this machine: apt-get install chromium")


def shots_of_story() -> Iterator[Shot]:
    """Every picture of a page. CommandError if the story is not told so far."""
    try:
        project = Project.objects.get(slug=SLUG)
        gate = Gate.objects.filter(iteration__project=project, key="G4", state=Gate.State.OPEN).latest("pk")
        refused = Gate.objects.filter(iteration__project=project, state=Gate.State.REFUSED).latest("pk")
    except (Project.DoesNotExist, Gate.DoesNotExist) as problem:
        raise CommandError(MISSING) from problem
    task = Task.objects.filter(phase__iteration=gate.iteration, key="3.3").latest("pk")
    returned = Handoff.objects.filter(iteration__project=project, key="H-09").earliest("pk")
    offered = Handoff.objects.filter(iteration=gate.iteration, key="H-14").latest("pk")
    drifting = Run.objects.filter(project=project, kind="MON", record__verdict="drift").latest("pk")
    process, slug = project.process_version_id, [SLUG]

    yield Shot("portfolio", "marta", reverse("governance:portfolio"), 420)
    yield Shot("project", "marta", reverse("governance:project", args=slug), 1000)
    yield Shot("project-dark", "marta", reverse("governance:project", args=slug), 1000, "dark")
    yield Shot("tasks", "marta", reverse("lifecycle:project-tasks", args=slug), 900)
    yield Shot("ownership", "marta", reverse("lifecycle:project-ownership", args=slug), 900)
    yield Shot("people", "marta", reverse("lifecycle:project-people", args=slug), 700)
    yield Shot("process", "marta", reverse("lifecycle:process-version", args=[process]), 1000)
    yield Shot("risks", "marta", reverse("lifecycle:project-risks", args=slug), 1000)
    yield Shot("analytics", "marta", reverse("lifecycle:project-analytics", args=slug), 900)
    yield Shot("test-score", "marta", reverse("lifecycle:project-test-score", args=slug), 800)
    yield Shot("triggers", "marta", reverse("lifecycle:project-triggers", args=slug), 900)
    monitoring = reverse("lifecycle:project-monitoring", args=slug)
    yield Shot("monitoring", "marta", f"{monitoring}?run={drifting.pk}", 1000)
    yield Shot("handoff-offer", "lena", reverse("lifecycle:handoff", args=[offered.pk]), 800)
    yield Shot("handoff-returned", "ken", reverse("lifecycle:handoff", args=[returned.pk]), 1300)
    yield Shot("task", "ken", reverse("lifecycle:task", args=[task.pk]), 1000)
    yield Shot("run", "ken", reverse("lifecycle:run", args=[drifting.pk]), 1000)
    yield Shot("inbox", "dario", reverse("lifecycle:inbox"), 520)
    yield Shot("gate", "dario", reverse("governance:gate", args=[gate.pk]), 1060)
    yield Shot("gate-dark", "dario", reverse("governance:gate", args=[gate.pk]), 1060, "dark")
    yield Shot("gate-sign", "dario", reverse("governance:gate", args=[gate.pk]), 900, to=".sign")
    yield Shot("gate-refused", "dario", reverse("governance:gate", args=[refused.pk]), 900)
    yield Shot("ledger", "aiko", reverse("reports:ledger"), 760)
    yield Shot("entry", "aiko", reverse("reports:ledger-entry", args=[1]), 900)
    yield Shot("reports", "aiko", reverse("reports:project-reports", args=slug), 560)
    yield Shot("shortcuts", "aiko", reverse("governance:portfolio"), 700, press="?")


def newest_report() -> Path:
    """The file of the story's newest report."""
    report = Report.objects.filter(project__slug=SLUG, state=Report.State.FINISHED).first()
    if report is None:
        raise CommandError(MISSING)
    return Path(report.file_path)


def log_in(page: Page, who: str) -> None:
    """Come in as one of the people of the demo."""
    page.goto(reverse("lifecycle:login"))
    page.fill("[name=username]", who)
    page.fill("[name=password]", logins()[who])
    page.click("button.btn--do")
    page.wait_for_url("**/")


def photograph(page: Page, shot: Shot) -> bytes:
    """A PNG of the upper part of a page, or of the part that the picture is about."""
    page.set_viewport_size({"width": WIDTH, "height": shot.height})
    page.emulate_media(color_scheme="dark" if shot.scheme == "dark" else "light", reduced_motion="reduce")
    page.goto(shot.url)
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready")
    if shot.press:
        page.keyboard.press(shot.press)
    if shot.to:
        page.locator(shot.to).first.scroll_into_view_if_needed()
    return page.screenshot()


def squeezed(picture: Image.Image) -> bytes:
    """A PNG with a palette, as small as it gets without being seen."""
    raw = io.BytesIO()
    few = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(raw, "PNG", optimize=True)
    return raw.getvalue()


def report_pages(file: Path) -> Iterator[tuple[str, Image.Image]]:
    """Cover, summary and the page of the deployment decision, drawn by poppler."""
    pages = _poppler("pdftotext", "-layout", file, "-").decode().split("\f")
    found = {
        "report-cover": 1,
        "report-summary": 2,
        "report-gate": _page_with(pages, r"Gate G4: refused\s+\d+ of"),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, number in found.items():
            base = Path(folder) / name
            only = ["-f", str(number), "-l", str(number)]
            _poppler("pdftoppm", "-png", "-singlefile", "-r", "110", *only, file, base)
            drawn = Image.open(base.with_suffix(".png"))
            height = round(drawn.height * REPORT_WIDTH / drawn.width)
            yield name, drawn.resize((REPORT_WIDTH, height), Image.Resampling.LANCZOS)


def _poppler(tool: str, *arguments: str | Path) -> bytes:
    """What one of poppler's tools says. CommandError if it is not there."""
    found = shutil.which(tool)
    if found is None:
        raise CommandError("poppler is missing: apt-get install poppler-utils")
    done = subprocess.run([found, *arguments], check=True, capture_output=True)  # noqa: S603  # own arguments
    return done.stdout


def _page_with(pages: list[str], pattern: str) -> int:
    """The number of the first page that says this, else of the first one."""
    return next((number for number, page in enumerate(pages, start=1) if re.search(pattern, page)), 1)
