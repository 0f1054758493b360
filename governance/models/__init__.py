from governance.models.asks import GateAsk
from governance.models.attestations import Attestation
from governance.models.authorizations import AUTHORIZATION_STATES, Authorization
from governance.models.break_glass import BREAK_GLASS_STATES, BreakGlass
from governance.models.clocks import ClockCorrection
from governance.models.compliance import Assurance, Classification, ControlExclusion
from governance.models.conditions import CONDITION_STATES, Condition
from governance.models.control_tasks import CONTROL_TASK_STATES, ControlTask
from governance.models.deployments import DEPLOYMENT_STATES, Deployment
from governance.models.findings import FINDING_STATES, Finding
from governance.models.frameworks import (
    CheckRecord,
    CheckStanding,
    ComplianceLook,
    ControlChange,
    ControlStanding,
    Framework,
    FrameworkUse,
)
from governance.models.gates import (
    GATE_STATES,
    CriterionResult,
    Evaluation,
    Gate,
    Signoff,
)
from governance.models.inventory import INCIDENT_STATES, Incident, InventoryEntry, Review
from governance.models.protection_requests import PROTECTION_REQUEST_STATES, ProtectionRequest
from governance.models.reviews import Feedback, Recusal
from governance.models.running import SIGHTING_STATES, HashedArtifact, RunningPlace, Sighting
from governance.models.staleness import Staleness
from governance.models.waivers import WAIVER_STATES, Waiver

__all__ = [
    "AUTHORIZATION_STATES",
    "BREAK_GLASS_STATES",
    "CONDITION_STATES",
    "CONTROL_TASK_STATES",
    "DEPLOYMENT_STATES",
    "FINDING_STATES",
    "GATE_STATES",
    "INCIDENT_STATES",
    "PROTECTION_REQUEST_STATES",
    "SIGHTING_STATES",
    "WAIVER_STATES",
    "Assurance",
    "Attestation",
    "Authorization",
    "BreakGlass",
    "CheckRecord",
    "CheckStanding",
    "Classification",
    "ClockCorrection",
    "ComplianceLook",
    "Condition",
    "ControlChange",
    "ControlExclusion",
    "ControlStanding",
    "ControlTask",
    "CriterionResult",
    "Deployment",
    "Evaluation",
    "Feedback",
    "Finding",
    "Framework",
    "FrameworkUse",
    "Gate",
    "GateAsk",
    "HashedArtifact",
    "Incident",
    "InventoryEntry",
    "ProtectionRequest",
    "Recusal",
    "Review",
    "RunningPlace",
    "Sighting",
    "Signoff",
    "Staleness",
    "Waiver",
]
