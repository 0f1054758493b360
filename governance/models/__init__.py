from governance.models.asks import GateAsk
from governance.models.attestations import Attestation
from governance.models.authorizations import (
    AUTHORIZATION_STATES,
    DEPLOYMENT_STATES,
    FINDING_STATES,
    Authorization,
    Deployment,
    Finding,
)
from governance.models.gates import (
    GATE_STATES,
    CriterionResult,
    Evaluation,
    Gate,
    Signoff,
)
from governance.models.staleness import Staleness

__all__ = [
    "AUTHORIZATION_STATES",
    "DEPLOYMENT_STATES",
    "FINDING_STATES",
    "GATE_STATES",
    "Attestation",
    "Authorization",
    "CriterionResult",
    "Deployment",
    "Evaluation",
    "Finding",
    "Gate",
    "GateAsk",
    "Signoff",
    "Staleness",
]
