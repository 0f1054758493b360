"""The lifecycle report: all that is known of one project at one moment."""

from dataclasses import dataclass, field
from datetime import datetime

from reports.documents.delivery import Authorization, CheckCount, Deployment, Finding, Waiver
from reports.documents.iterations import EvidenceItem, Iteration
from reports.documents.ledger import LedgerExtract
from reports.documents.monitoring import Firing, Monitoring
from reports.documents.process import Duty, Person, Process
from reports.documents.risks import Risk


@dataclass(frozen=True, kw_only=True)
class ProjectHead:
    """What the project is and who answers for it."""

    slug: str
    name: str
    purpose: str
    owner: str
    risk_class: str
    opened_at: datetime


@dataclass(frozen=True, kw_only=True)
class LifecycleReport:
    """Equal content gives a byte-identical PDF: `as_of` and `report_id` must not come from a clock.

    `appetite` is the risk score from which a risk is too high.
    """

    report_id: str
    as_of: datetime
    project: ProjectHead
    process: Process
    ledger: LedgerExtract
    language: str = "en"
    people: tuple[Person, ...] = ()
    duties: tuple[Duty, ...] = ()
    iterations: tuple[Iteration, ...] = ()
    authorizations: tuple[Authorization, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    checks: tuple[CheckCount, ...] = ()
    monitoring: Monitoring = field(default_factory=Monitoring)
    firings: tuple[Firing, ...] = ()
    risks: tuple[Risk, ...] = ()
    appetite: int = 10
    waivers: tuple[Waiver, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def live(self) -> tuple[Deployment, ...]:
        """Deployments that have not ended."""
        return tuple(d for d in self.deployments if d.ended_at is None)

    @property
    def evidence(self) -> tuple[EvidenceItem, ...]:
        """Every frozen item once, in the order in which the iterations name them."""
        found: dict[tuple[str, str], EvidenceItem] = {}
        for iteration in self.iterations:
            for item in iteration.evidence:
                found.setdefault((item.code, item.digest), item)
            for task in iteration.tasks:
                for item in task.evidence:
                    found.setdefault((item.code, item.digest), item)
        return tuple(found.values())

    @property
    def evidence_codes(self) -> frozenset[str]:
        """Codes that the evidence annex lists, so that a table may link to it."""
        return frozenset(item.code for item in self.evidence)
