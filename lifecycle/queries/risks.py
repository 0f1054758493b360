"""The risks of a project on a map of severity and occurrence."""

from dataclasses import dataclass

from lifecycle.models import Project, Risk
from lifecycle.queries.projects import latest_iterations

SCALE = range(1, 6)
_SETTLED = (Risk.State.ACCEPTED, Risk.State.CLOSED)


@dataclass(frozen=True)
class RiskCell:
    """One field of the map."""

    severity: int
    occurrence: int
    above: bool
    risks: list[Risk]


@dataclass(frozen=True)
class RiskMap:
    """Rows from severity 5 down to 1, each with occurrence 1 to 5. `above` means beyond the risk appetite."""

    appetite: int
    risks: list[Risk]
    rows: list[list[RiskCell]]

    @property
    def unscored(self) -> list[Risk]:
        return [risk for risk in self.risks if risk.score is None]

    @property
    def open(self) -> list[Risk]:
        """Risks that are neither accepted nor closed."""
        return [risk for risk in self.risks if risk.state not in _SETTLED]

    @property
    def above(self) -> list[Risk]:
        """Risks that are not closed and score above the appetite, the highest first."""
        high = [
            risk
            for risk in self.risks
            if risk.state != Risk.State.CLOSED and (risk.score or 0) > self.appetite
        ]
        return sorted(high, key=lambda risk: (-(risk.score or 0), risk.key))


def risk_map(project: Project) -> RiskMap:
    """The risks of the latest iteration. 1 query, tasks included."""
    latest = latest_iterations([project.pk]).values("pk")
    found = Risk.objects.filter(task__phase__iteration__in=latest)
    risks = list(
        found.select_related("task__phase", "accepted_by").order_by("task__phase__order", "key", "pk")
    )
    rows = [
        [
            RiskCell(
                severity=severity,
                occurrence=occurrence,
                above=severity * occurrence > project.risk_appetite,
                risks=[each for each in risks if (each.severity, each.occurrence) == (severity, occurrence)],
            )
            for occurrence in SCALE
        ]
        for severity in reversed(SCALE)
    ]
    return RiskMap(appetite=project.risk_appetite, risks=risks, rows=rows)
