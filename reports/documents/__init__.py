"""What a report says, as plain frozen data. No database, no template, no drawing.

A query fills these classes, `reports.charts` and `reports.rendering` draw them,
`reports.documents.evidence` writes them as JSON. Everything is `str`, `int`, `float`, `date`, aware
`datetime`, tuples of those, or another class here.
"""

from reports.documents.delivery import Authorization, CheckCount, Deployment, Finding, Waiver
from reports.documents.gates import Criterion, GateEvaluation, Signature
from reports.documents.iterations import EvidenceItem, Handoff, Iteration, PhaseState, Task
from reports.documents.ledger import LedgerEntry, LedgerExtract
from reports.documents.lifecycle import LifecycleReport, ProjectHead
from reports.documents.measures import Bound, Measure
from reports.documents.monitoring import Distribution, FeatureDrift, Firing, Monitoring, Window
from reports.documents.process import (
    Duty,
    GateDefinition,
    HandoffDefinition,
    Person,
    PhaseDefinition,
    Process,
)
from reports.documents.risks import Risk
from reports.documents.runs import Run
from reports.documents.states import Mark, State
from reports.documents.verdicts import Answer, Verdict, five_answers, verdict

__all__ = [
    "Answer",
    "Authorization",
    "Bound",
    "CheckCount",
    "Criterion",
    "Deployment",
    "Distribution",
    "Duty",
    "EvidenceItem",
    "FeatureDrift",
    "Finding",
    "Firing",
    "GateDefinition",
    "GateEvaluation",
    "Handoff",
    "HandoffDefinition",
    "Iteration",
    "LedgerEntry",
    "LedgerExtract",
    "LifecycleReport",
    "Mark",
    "Measure",
    "Monitoring",
    "Person",
    "PhaseDefinition",
    "PhaseState",
    "Process",
    "ProjectHead",
    "Risk",
    "Run",
    "Signature",
    "State",
    "Task",
    "Verdict",
    "Waiver",
    "Window",
    "five_answers",
    "verdict",
]
