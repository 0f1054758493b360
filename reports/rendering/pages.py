"""A report as one HTML document with its pictures, for WeasyPrint."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils import timezone, translation
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from reports.charts import (
    distributions,
    drift_by_feature,
    drift_over_windows,
    metrics_by_slice,
    performance_over_windows,
    risk_map,
)
from reports.charts.drawings import phase_path, seal
from reports.charts.metrics import state_of
from reports.documents import five_answers, verdict
from reports.documents.iterations import Iteration
from reports.documents.lifecycle import LifecycleReport
from reports.documents.monitoring import Window
from reports.documents.process import Duty, Person
from reports.documents.runs import Run
from reports.documents.states import State
from reports.rendering import answers
from reports.rendering.figures import Pictures, Shown, report_timeline
from reports.rendering.sections import Section, sections_of
from reports.rendering.wording import VERIFY, words

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
TABLE_ENTRIES = 500  # a cell costs five boxes; a longer ledger is set as lines of text at a sixth of the cost
MATRIX_PEOPLE = 9


@dataclass(frozen=True, kw_only=True)
class Page:
    """HTML, the SVG files it shows by name, and the words for each link target; the file's identifier and
    the moment that its dates say.
    """

    html: str
    images: dict[str, str]
    labels: dict[str, str]
    identifier: str
    moment: datetime


@cache
def engine() -> Engine:
    """An engine of our own: documents look alike whatever the site's templates are set to."""
    libraries = {"i18n": "django.templatetags.i18n", "documents": "reports.rendering.tags"}
    return Engine(dirs=[str(TEMPLATES)], libraries=libraries)


def lifecycle_page(report: LifecycleReport, paper_size: str = "A4") -> Page:
    """The lifecycle report in its own language, times in UTC. Costs the drawing of its charts when they
    are not cached.
    """
    with translation.override(report.language), timezone.override(UTC):
        pictures = Pictures()
        sections = sections_of(report)
        html = (
            engine()
            .get_template("reports/documents/lifecycle.html")
            .render(Context({**_context(report, sections, pictures), "paper_size": paper_size}))
        )
    labels = {section.id: strip_tags(section.label) for section in _flat(sections)}
    labels |= {f"e{entry.number}": f"ledger entry {entry.number}" for entry in report.ledger.entries}
    return Page(
        html=html.replace(" %", "\u00a0%"),
        images=pictures.files,
        labels=labels,
        identifier=report.report_id,
        moment=report.as_of,
    )


def _flat(sections: list[Section]) -> list[Section]:
    return [part for section in sections for part in (section, *section.children)]


def _context(report: LifecycleReport, sections: list[Section], pictures: Pictures) -> dict[str, Any]:
    """Built in reading order, since pictures are numbered as they are made."""
    return {
        "report": report,
        "sections": sections,
        "number": {section.id: section.number for section in sections},
        "verdict": verdict(report),
        "answers": five_answers(report),
        "seal": pictures.plain("seal", seal(verdict(report).mark.state)),
        "timeline": pictures.figure("timeline", report_timeline(report)),
        "path": _path(report, pictures),
        "matrix": _matrix(report),
        "say": {
            "process": answers.process_answer(report),
            "deployments": answers.deployments_answer(report),
            "monitoring": answers.monitoring_answer(report),
            "risks": answers.risks_answer(report),
            "findings": answers.findings_answer(report),
            "evidence": answers.evidence_answer(report),
            "ledger": answers.ledger_answer(report),
        },
        "iterations": [_iteration(iteration, pictures) for iteration in report.iterations],
        "monitoring": _monitoring(report, pictures),
        "risk_map": pictures.figure("risks", risk_map(report.risks, appetite=report.appetite)),
        "entry_numbers": {entry.number for entry in report.ledger.entries}
        if len(report.ledger.entries) <= TABLE_ENTRIES
        else set(),
        "entry_lines": _entry_lines(report) if len(report.ledger.entries) > TABLE_ENTRIES else "",
        "proven": bool(report.ledger.entries)
        and all(entry.proof or report.ledger.size == 1 for entry in report.ledger.entries),
        "verify": VERIFY,
        "words": words(),
    }


def _path(report: LifecycleReport, pictures: Pictures) -> Shown | None:
    if not report.process.phases:
        return None
    alt = [_("Phases: %(names)s.") % {"names": ", ".join(p.name for p in report.process.phases)}]
    for iteration in report.iterations:
        states = "; ".join(f"{p.name} {p.mark.word}" for p in iteration.phases)
        alt.append(_("Iteration %(n)d: %(states)s.") % {"n": iteration.number, "states": states})
    rounds = [f"{i.number} {i.mark.word}" for i in report.iterations]
    conclusion = (
        _("Iterations: %(list)s.") % {"list": ", ".join(rounds)}
        if rounds
        else _("No iteration has walked this path yet.")
    )
    svg = phase_path(report.process.phases, report.iterations)
    note = _(
        "One line for each iteration; the mark after a phase is its state and, where it is closed, the day."
    )
    return pictures.drawing("path", svg, " ".join(alt), conclusion, note)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the ownership matrix: one cell of letters for each person."""

    duty: Duty
    letters: tuple[str, ...]
    first: bool


def _matrix(report: LifecycleReport) -> dict[str, Any]:
    """Codes of people (initials, unique) and the rows; above nine people the table names them instead."""
    codes = initials(report.people)
    rows = []
    before = None
    for duty in sorted(report.duties, key=lambda duty: duty.phase):
        letters = tuple(_letters(duty, person) for person in report.people)
        rows.append(Row(duty=duty, letters=letters, first=before is not None and before != duty.phase))
        before = duty.phase
    names = {person.key: person.name for person in report.people}
    listed = [
        {"duty": row.duty, "first": row.first}
        | {
            kind: ", ".join(names.get(key, key) for key in getattr(row.duty, kind))
            for kind in ("accountable", "responsible", "consulted")
        }
        for row in rows
    ]
    people = [{"code": codes[person.key], "person": person} for person in report.people]
    return {"people": people, "rows": rows, "listed": listed, "narrow": len(report.people) <= MATRIX_PEOPLE}


def _letters(duty: Duty, person: Person) -> str:
    kinds = (("A", duty.accountable), ("R", duty.responsible), ("C", duty.consulted), ("I", duty.informed))
    return "".join(letter for letter, keys in kinds if person.key in keys)


def initials(people: tuple[Person, ...]) -> dict[str, str]:
    """A short code for each person by key, unique within the report."""
    codes: dict[str, str] = {}
    for person in people:
        base = "".join(word[0] for word in person.name.split()[:2]).upper() or "?"
        code, n = base, 2
        while code in codes.values():
            code, n = f"{base}{n}", n + 1
        codes[person.key] = code
    return codes


def _iteration(iteration: Iteration, pictures: Pictures) -> dict[str, Any]:
    key = f"it{iteration.number}"
    tasks = []
    for n, task in enumerate(iteration.tasks):
        first = n > 0 and task.phase != iteration.tasks[n - 1].phase
        tasks.append({"task": task, "first": first})
    return {
        "it": iteration,
        "id": key,
        "answer": answers.iteration_answer(iteration),
        "tasks": tasks,
        "runs": [
            _run(run, f"{key}-run{n}", pictures, _repeated(run, iteration.runs[:n]))
            for n, run in enumerate(iteration.runs)
        ],
        "gates": [
            {
                "gate": gate,
                "id": f"{key}-gate{n}",
                "answer": answers.gate_answer(gate),
                "criteria": [
                    {"c": c, "shown": pictures.criterion(f"{key}-gate{n}-{m}", c)}
                    for m, c in enumerate(gate.criteria)
                ],
            }
            for n, gate in enumerate(iteration.gates)
        ],
    }


def _repeated(run: Run, before: Sequence[Run]) -> str:
    """The code of an earlier run that measured exactly the same on the same model; empty if none did."""
    for other in before:
        if run.model_digest and run.model_digest == other.model_digest and run.measures == other.measures:
            return other.code
    return ""


def _run(run: Run, key: str, pictures: Pictures, same_as: str) -> dict[str, Any]:
    """A run with a chart for each metric that has slices, at most three.

    Slices without a limit stand in the chart only. What repeats an earlier run to the last digit is said in
    a sentence.
    """
    sliced = [] if same_as else list(dict.fromkeys(m.name for m in run.slices))[:3]
    figures = [
        pictures.figure(f"{key}-{n}", metrics_by_slice([m for m in run.measures if m.name == name]))
        for n, name in enumerate(sliced)
    ]
    words_ = {True: _("met"), False: _("not met"), None: _("no limit")}
    drawn = [figure for figure in figures if figure]
    listed = [m for m in run.measures if not drawn or not m.slice or m.limit is not None]
    rows = [{"m": m, "state": state_of(m), "word": words_[m.met]} for m in listed]
    return {
        "run": run,
        "figures": drawn,
        "rows": rows,
        "same_as": same_as,
        "unlisted": len(run.measures) - len(rows),
    }


def _monitoring(report: LifecycleReport, pictures: Pictures) -> dict[str, Any]:
    """The course of all windows; then the window that drifted last, and the last one."""
    windows = report.monitoring.windows
    return {
        "performance": pictures.figure("performance", performance_over_windows(windows)),
        "drift_time": pictures.figure("drift-time", drift_over_windows(windows)),
        "details": [_window(window, pictures) for window in _telling(windows)],
    }


def _telling(windows: Sequence[Window]) -> list[Window]:
    """The window that drifted last, if any did, and the last window."""
    drifted = [w for w in windows[:-1] if w.mark.state in (State.WARN, State.BAD)]
    return [*drifted[-1:], *windows[-1:]]


def _window(window: Window, pictures: Pictures) -> dict[str, Any]:
    key = window.code.replace("\u00a0", "").replace(" ", "")
    return {
        "window": window,
        "drift": pictures.figure(f"drift-{key}", drift_by_feature(window.drift)),
        "distributions": pictures.figure(f"shapes-{key}", distributions(window.distributions)),
    }


def _entry_lines(report: LifecycleReport) -> str:
    """The ledger as fixed columns: number, time, actor, action, subject, first digits of the leaf hash."""
    lines = []
    for e in report.ledger.entries:
        moment = f"{e.at.astimezone(UTC):%Y-%m-%d %H:%M}"
        words_ = (_fit(e.actor, 18), _fit(e.action, 22), _fit(e.subject, 20), e.leaf_hash[:12])
        lines.append("  ".join((f"{e.number:>7}", moment, *words_)))
    return "\n".join(lines)


def _fit(text: str, width: int) -> str:
    return (text if len(text) <= width else text[: width - 1] + "…").ljust(width)
