"""The living page of components: what docs/design.md describes, as it really looks."""

import datetime as dt
import math
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from lifecycle import figures
from lifecycle.forms.design import SampleForm
from lifecycle.templatetags.states import LOOKS

SAMPLE_DIGEST = "9f3c4be1a7d01c2e5b8f60347ad1c9e24be7f0a1d3c5968802b4e6f7a9c1d3e5"


@login_required
@require_safe
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in every state, for whoever makes or judges a page. No SQL query of its own."""
    form = SampleForm({"name": "", "limit": "0.6", "meaning": "approve"})
    form.is_valid()
    now = timezone.now()
    context: dict[str, Any] = {
        "form": form,
        "fresh_form": SampleForm(prefix="fresh"),
        "digest": SAMPLE_DIGEST,
        "now": now,
        "soon": now + dt.timedelta(days=1),
        "later": now + dt.timedelta(days=9),
        "past": now - dt.timedelta(days=4),
        "states": [(look, words.split()) for look, words in LOOKS.items()],
        "verdict_items": [
            (10, "blocking met", "ok"),
            (1, "waived", "waived"),
            (1, "advisory not met", "warn"),
        ],
        "page": Paginator(range(240), 20).get_page(request.GET.get("page", 3)),
        **_drawings(now),
    }
    return render(request, "components/gallery.html", context)


def _drawings(now: dt.datetime) -> dict[str, Any]:
    phases = _phases()
    return {
        "ring": figures.PhaseRing(
            phases=phases,
            top="Iteration",
            big="4",
            sub="day 37",
            loops=(figures.RingLoop("P6", "P4"), figures.RingLoop("P4", "P1")),
        ),
        "strip": figures.PhaseStrip(phases),
        "bullets": _bullets(),
        "sparks": [
            figures.Sparkline((0.08, 0.1, 0.09, 0.11, 0.12), limit=0.2, name="Days of stock"),
            figures.Sparkline((0.09, 0.12, None, 0.16, 0.19), limit=0.2, name="Orders per store"),
            figures.Sparkline((0.1, 0.12, 0.15, 0.22, 0.31), limit=0.2, name="Unknown items"),
        ],
        "psi": _psi(),
        "ages": [figures.AgeBar(6, 20), figures.AgeBar(41, 20)],
        "rollouts": [
            figures.RolloutBar(25, (5, 25, 50, 100)),
            figures.RolloutBar(50, (5, 25, 50, 100), stopped=True),
        ],
        "histograms": _histograms(),
        "series": _series(),
        "timeline": _timeline(now),
    }


def _phases() -> tuple[figures.RingPhase, ...]:
    names = (
        "Business and data understanding",
        "Data preparation",
        "Modeling",
        "Evaluation",
        "Deployment",
        "Monitoring and maintenance",
    )
    work = ((9, 9), (7, 7), (8, 8), (4, 4), (1, 5), (0, 5))
    states = ("done", "done", "done", "now", "part", "todo")
    gates = ("passed", "conditional", "passed", "open", "todo", "todo")
    return tuple(
        figures.RingPhase(f"P{i}", name, done, total, state, f"G{i}", gate)
        for i, (name, (done, total), state, gate) in enumerate(
            zip(names, work, states, gates, strict=True), 1
        )
    )


def _bullets() -> list[figures.Bullet]:
    return [
        figures.Bullet(limit=0.62, observed=0.664, before=0.641, low=0.652, high=0.676),
        figures.Bullet(limit=0.55, observed=0.541, before=0.512, low=0.53, high=0.556),
        figures.Bullet(limit=2.0, operator="<=", observed=1.3, before=1.6, unit="%", digits=1),
        figures.Bullet(limit=60, operator="<=", unit="s", digits=0),
    ]


def _psi() -> figures.PsiBars:
    scores = {"Share of sales on promotion": 0.23, "Unknown items": 0.31, "Orders per store": 0.19}
    scores |= {"Days of stock": 0.12, "Items per order": 0.05}
    return figures.PsiBars(tuple(figures.PsiBar(name, value) for name, value in scores.items()))


def _histograms() -> list[figures.DriftHistogram]:
    numbers = [math.exp(-((i - 4) ** 2) / 6) / 4.3 for i in range(10)]
    moved = [math.exp(-((i - 6) ** 2) / 5) / 4.0 for i in range(10)]
    near = [math.exp(-((i - 4.8) ** 2) / 6) / 4.3 for i in range(10)]
    edges = [0.0, *[i * 12.5 for i in range(1, 11)]]
    return [
        figures.DriftHistogram("Share of sales on promotion", numbers, moved, edges=edges, score=0.41),
        figures.DriftHistogram("Orders per store", numbers, near, edges=edges, score=0.19),
        figures.DriftHistogram("Days of stock", numbers, numbers, edges=edges, score=0.02),
        figures.DriftHistogram(
            "Kind of pizza",
            (0.4, 0.3, 0.2, 0.1),
            (0.38, 0.3, 0.21, 0.11),
            names=("white", "red", "fritta", "other"),
        ),
    ]


def _series() -> figures.SeriesChart:
    weeks = [f"week {number}" for number in range(20, 46)]
    steady = [0.65 + 0.012 * math.sin(index * 1.7) for index in range(26)]
    falling: list[float | None] = [*(0.575 - 0.0058 * index for index in range(20)), *[None] * 6]
    return figures.SeriesChart(
        title="Ranking quality by week",
        windows=weeks,
        series=(
            figures.Series("US", steady, limit=0.565),
            figures.Series("IT", falling, limit=0.54),
        ),
        limits=(figures.SeriesLimit(0.565, "US limit 0.565"), figures.SeriesLimit(0.54, "IT limit 0.540")),
        events=(
            figures.SeriesEvent(8, "2.1.0 live"),
            figures.SeriesEvent(19, "T-22, Italy below its benchmark", "trigger"),
        ),
    )


def _timeline(now: dt.datetime) -> figures.IterationTimeline:
    def ago(days: int) -> dt.datetime:
        return now - dt.timedelta(days=days)

    def run(*days: int, last: str = "done") -> tuple[figures.TimelinePhase, ...]:
        codes = [f"P{number}" for number in range(1, len(days))]
        states = ["done"] * (len(codes) - 1) + [last]
        return tuple(
            figures.TimelinePhase(code, ago(begin), ago(end), state)
            for code, begin, end, state in zip(codes, days[:-1], days[1:], states, strict=True)
        )

    def passed(*days: int) -> tuple[figures.TimelineGate, ...]:
        return tuple(figures.TimelineGate(ago(day)) for day in days)

    first = figures.TimelineRow(
        "Iteration 1",
        "Trial in 20 stores",
        run(280, 255, 230, 205, 190, 172),
        passed(255, 230, 205, 190, 172),
        (figures.TimelineSpan("1.0.0", ago(172), ago(90)),),
    )
    second = figures.TimelineRow(
        "Iteration 2",
        "All US stores",
        run(150, 138, 122, 106, 98, 90),
        passed(138, 122, 106, 98, 90),
        (figures.TimelineSpan("2.1.0", ago(90)),),
        (figures.TimelineMark(ago(150), "T-25 new stores"),),
    )
    third = figures.TimelineRow(
        "Iteration 3",
        "Italy",
        (*run(42, 34, 18, 5, 0, last="now"), figures.TimelinePhase("P5", now, ago(-14), "planned")),
        (*passed(34, 18, 5), figures.TimelineGate(now, "open")),
        (),
        (figures.TimelineMark(ago(42), "T-22 Italy below its benchmark"),),
    )
    return figures.IterationTimeline((first, second, third), now)
