"""The pictures of one report: each gets a number, a file name and the words of its caption."""

from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from reports.charts import Figure, chart_svg, timeline
from reports.charts.drawings import bullet
from reports.charts.performance import performance_series
from reports.charts.timeline import Event, Lane
from reports.documents.gates import Criterion
from reports.documents.lifecycle import LifecycleReport
from reports.rendering.tags import cut


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture as the template needs it."""

    source: str
    alt: str
    number: int = 0
    conclusion: str = ""
    note: str = ""


@dataclass
class Pictures:
    """Collects the pictures of a report in the order in which they are shown."""

    files: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def figure(self, name: str, figure: Figure | None) -> Shown | None:
        """A numbered chart; None stays None, and the template then says why there is nothing to draw."""
        if figure is None:
            return None
        return self.drawing(name, chart_svg(figure.spec), figure.alt, figure.conclusion, figure.note)

    def drawing(self, name: str, svg: str, alt: str, conclusion: str, note: str = "") -> Shown:
        """A numbered drawing."""
        self.count += 1
        source = self.plain(name, svg)
        return Shown(source=source, alt=alt, number=self.count, conclusion=conclusion, note=note)

    def plain(self, name: str, svg: str) -> str:
        """A picture without number and caption. Returns its address."""
        self.files[f"{name}.svg"] = svg
        return f"report:images/{name}.svg"

    def criterion(self, name: str, criterion: Criterion) -> Shown | None:
        """Observed against limit; None for a criterion that is not one number against one limit."""
        if criterion.limit is None:
            return None
        svg = bullet(
            value=criterion.value, limit=criterion.limit, bound=criterion.bound, state=criterion.mark.state
        )
        alt = _("%(observed)s observed, %(bound)s %(limit)s required: %(word)s") % {
            "observed": criterion.observed,
            "bound": criterion.bound.value,
            "limit": f"{criterion.limit:g}",
            "word": criterion.mark.word,
        }
        return Shown(source=self.plain(name, svg), alt=alt)


def report_timeline(report: LifecycleReport) -> Figure | None:
    """Iterations with their gate decisions, then what is in use by environment, and how well it works."""
    lanes = [
        Lane(
            label=_("Iteration %(n)d") % {"n": iteration.number},
            start=iteration.opened_at,
            end=iteration.closed_at or report.as_of,
            events=tuple(
                Event(at=gate.evaluated_at, text=f"{gate.code} {gate.mark.word}", mark=gate.mark)
                for gate in sorted(iteration.gates, key=lambda gate: gate.evaluated_at)
            ),
        )
        for iteration in report.iterations
    ]
    for environment in dict.fromkeys(d.environment for d in report.deployments):
        here = [d for d in report.deployments if d.environment == environment]
        ends = [d.ended_at or report.as_of for d in here]
        lanes.append(
            Lane(
                label=_("In use: %(where)s") % {"where": cut(environment, 40)},
                start=min(d.at for d in here),
                end=max(ends),
                live=True,
            )
        )
    limited = [
        series
        for series in performance_series(report.monitoring.windows)
        if series.limit is not None and len(series.points) > 1
    ]
    return timeline(lanes, until=report.as_of, live=limited[0] if limited else None)
