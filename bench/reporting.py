"""The lifecycle report as an archival PDF, against WeasyPrint alone on the same HTML."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.document import lifecycle
from bench.measure import Report, in_turns
from bench.options import Effort
from reports.documents import LifecycleReport
from reports.rendering.pages import lifecycle_page
from reports.rendering.render import render_pdf

FLOOR = "WeasyPrint alone, same HTML"


def run(report: Report, effort: Effort) -> None:
    """Seconds of CPU, children included: wall time says more of the machine's other work than of ours."""
    content = _content(effort)
    with tempfile.TemporaryDirectory(prefix="gatebook-bench-pdf-") as name:
        folder = Path(name)
        _write_page(folder, effort)
        done = render_pdf(content, out=folder / "whole.pdf")
        report.heading(f"report: {done.pages} pages, {effort.ledger_lines} ledger entries")

        def alone() -> None:
            subprocess.run([sys.executable, "-m", "bench.plain_pdf", name], check=True)

        cases = {
            FLOOR: _cpu(alone),
            "HTML and charts only": _cpu(lambda: lifecycle_page(content)),
            "lifecycle report, PDF/A-3a": _cpu(lambda: render_pdf(content, out=folder / "whole.pdf")),
        }
        measured = in_turns(cases, effort.report_rounds, warm_up=False)
        report.table("report", "CPU s", measured, FLOOR)
        seconds = sorted(measured["lifecycle report, PDF/A-3a"])[effort.report_rounds // 2]
        sizes = [round((folder / each).stat().st_size / 1024) for each in ("plain.pdf", "whole.pdf")]
        report.note(
            f"{seconds / done.pages:.2f} CPU s a page; {sizes[1]} KiB, WeasyPrint alone {sizes[0]} KiB"
        )


def _content(effort: Effort) -> LifecycleReport:
    return lifecycle(ledger_lines=effort.ledger_lines, iterations=effort.iterations)


def _write_page(folder: Path, effort: Effort) -> None:
    page = lifecycle_page(_content(effort))
    (folder / "page.html").write_text(page.html, encoding="utf-8")
    (folder / "images").mkdir()
    for name, svg in page.images.items():
        (folder / "images" / name).write_text(svg, encoding="utf-8")


def _cpu(action: Callable[[], object]) -> Callable[[], float]:
    def once() -> float:
        before = os.times()
        action()
        after = os.times()
        return sum(after[:4]) - sum(before[:4])

    return once
