from lifecycle.models.absences import Absence
from lifecycle.models.attachments import Attachment
from lifecycle.models.channels import POST_STATES, Channel, Post
from lifecycle.models.comments import Comment
from lifecycle.models.compromises import Compromise
from lifecycle.models.connectors import (
    SYNC_STATES,
    Connector,
    ConnectorRule,
    Delivery,
    Gap,
    SourceRecord,
    Sync,
)
from lifecycle.models.data_sets import DataSet, DataSetVersion, DataUse
from lifecycle.models.evidence import EVIDENCE_STATES, Evidence, Snapshot
from lifecycle.models.figures import KeptFigures
from lifecycle.models.handoffs import (
    HANDOFF_STATES,
    AcceptanceCriterion,
    Deliverable,
    Handoff,
)
from lifecycle.models.idempotency import IdempotencyKey
from lifecycle.models.iterations import ITERATION_STATES, PHASE_STATES, Iteration, Phase
from lifecycle.models.lineage_events import LineageEvent
from lifecycle.models.notices import MAIL_STATES, Mail, Notice, NoticeChoice, Sweep
from lifecycle.models.outbox import JOB_STATES, Job
from lifecycle.models.plans import PLAN_STATES, MonitoringPlan, MonitoringWindow
from lifecycle.models.processes import Process, ProcessVersion
from lifecycle.models.projects import Membership, Project
from lifecycle.models.received_events import ReceivedEvent
from lifecycle.models.registrations import REGISTRATION_STATES, ModelSignature, Registration
from lifecycle.models.reported_events import ReportedEvent
from lifecycle.models.reproductions import REPRODUCTION_STATES, Reproduction
from lifecycle.models.requirements import REQUIREMENT_STATES, Requirement
from lifecycle.models.risks import (
    QUALITY_ACTION_STATES,
    RISK_STATES,
    QualityAction,
    Risk,
)
from lifecycle.models.run_batches import RunBatch, RunHistory, RunRevision
from lifecycle.models.runs import RUN_STATES, ModelVersion, Run
from lifecycle.models.sources import SOURCE_STATES, SourceChange, SourceState
from lifecycle.models.stack import CanvasAnswer, MaturityLevel, SavedView, ScoreMark, StackPart
from lifecycle.models.tailoring import EXCLUSION_STATES, Exclusion
from lifecycle.models.tasks import TASK_STATES, Task, TaskDuty
from lifecycle.models.test_sets import TEST_SET_STATES, TestSet, TestSetUse
from lifecycle.models.tokens import ApiToken
from lifecycle.models.triggers import FIRING_STATES, Firing, Trigger
from lifecycle.models.users import User

__all__ = [
    "EVIDENCE_STATES",
    "EXCLUSION_STATES",
    "FIRING_STATES",
    "HANDOFF_STATES",
    "ITERATION_STATES",
    "JOB_STATES",
    "MAIL_STATES",
    "PHASE_STATES",
    "PLAN_STATES",
    "POST_STATES",
    "QUALITY_ACTION_STATES",
    "REGISTRATION_STATES",
    "REPRODUCTION_STATES",
    "REQUIREMENT_STATES",
    "RISK_STATES",
    "RUN_STATES",
    "SOURCE_STATES",
    "SYNC_STATES",
    "TASK_STATES",
    "TEST_SET_STATES",
    "Absence",
    "AcceptanceCriterion",
    "ApiToken",
    "Attachment",
    "CanvasAnswer",
    "Channel",
    "Comment",
    "Compromise",
    "Connector",
    "ConnectorRule",
    "DataSet",
    "DataSetVersion",
    "DataUse",
    "Deliverable",
    "Delivery",
    "Evidence",
    "Exclusion",
    "Firing",
    "Gap",
    "Handoff",
    "IdempotencyKey",
    "Iteration",
    "Job",
    "KeptFigures",
    "LineageEvent",
    "Mail",
    "MaturityLevel",
    "Membership",
    "ModelSignature",
    "ModelVersion",
    "MonitoringPlan",
    "MonitoringWindow",
    "Notice",
    "NoticeChoice",
    "Phase",
    "Post",
    "Process",
    "ProcessVersion",
    "Project",
    "QualityAction",
    "ReceivedEvent",
    "Registration",
    "ReportedEvent",
    "Reproduction",
    "Requirement",
    "Risk",
    "Run",
    "RunBatch",
    "RunHistory",
    "RunRevision",
    "SavedView",
    "ScoreMark",
    "Snapshot",
    "SourceChange",
    "SourceRecord",
    "SourceState",
    "StackPart",
    "Sweep",
    "Sync",
    "Task",
    "TaskDuty",
    "TestSet",
    "TestSetUse",
    "Trigger",
    "User",
]
