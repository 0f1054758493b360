"""The process document: models, YAML in and out, checks, digest, JSON Schema, differences.

A leaf: nothing here knows the database.
"""

from lifecycle.definitions.builtin import catalogue
from lifecycle.definitions.checks import OWN, Problem, cron_problem, problems
from lifecycle.definitions.differences import Change, difference
from lifecycle.definitions.digests import digest, plain
from lifecycle.definitions.document import ProcessDocument
from lifecycle.definitions.expressions import GATE_VARIABLES, TRIGGER_VARIABLES, problem_of
from lifecycle.definitions.flow import (
    Handoff,
    Loop,
    Opening,
    OpensOn,
    Trigger,
    TriggerAction,
    TriggerKind,
    TriggerMode,
)
from lifecycle.definitions.gates import (
    Criterion,
    Gate,
    MaterialChange,
    Outcome,
    RiskClass,
    Seat,
    Signatures,
    SignedChange,
)
from lifecycle.definitions.schema import json_schema
from lifecycle.definitions.tailoring import tailored
from lifecycle.definitions.text import MAX_BYTES, dump_yaml, load_yaml, parse, problems_in, stored
from lifecycle.definitions.work import (
    EvidenceKind,
    EvidenceRequest,
    Method,
    Phase,
    Proof,
    Provability,
    Risk,
    RiskCategory,
    Role,
    Source,
    Stage,
    Task,
)

__all__ = [
    "GATE_VARIABLES",
    "MAX_BYTES",
    "OWN",
    "TRIGGER_VARIABLES",
    "Change",
    "Criterion",
    "EvidenceKind",
    "EvidenceRequest",
    "Gate",
    "Handoff",
    "Loop",
    "MaterialChange",
    "Method",
    "Opening",
    "OpensOn",
    "Outcome",
    "Phase",
    "Problem",
    "ProcessDocument",
    "Proof",
    "Provability",
    "Risk",
    "RiskCategory",
    "RiskClass",
    "Role",
    "Seat",
    "Signatures",
    "SignedChange",
    "Source",
    "Stage",
    "Task",
    "Trigger",
    "TriggerAction",
    "TriggerKind",
    "TriggerMode",
    "catalogue",
    "cron_problem",
    "difference",
    "digest",
    "dump_yaml",
    "json_schema",
    "load_yaml",
    "parse",
    "plain",
    "problem_of",
    "problems",
    "problems_in",
    "stored",
    "tailored",
]
