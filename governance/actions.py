"""What this app writes into the ledger."""

from ledger.actions import Action


class GovernanceAction(Action):
    """Every decision, named noun and participle."""

    GATE_OPENED = "gate.opened"
    GATE_EVALUATED = "gate.evaluated"
    GATE_SIGNED = "gate.signed"
    SIGNATURE_REFUSED = "gate.signature_refused"
    GATE_DECIDED = "gate.decided"
    GATE_WITHDRAWN = "gate.withdrawn"
    AUTHORIZATION_GIVEN = "authorization.given"
    AUTHORIZATION_SHORTENED = "authorization.shortened"
    AUTHORIZATION_SUSPENDED = "authorization.suspended"
    AUTHORIZATION_RESUMED = "authorization.resumed"
    AUTHORIZATION_WITHDRAWN = "authorization.withdrawn"
    DEPLOYMENT_RECORDED = "deployment.recorded"
    DEPLOYMENT_ENDED = "deployment.ended"
    FINDING_OPENED = "finding.opened"
    FINDING_SETTLED = "finding.settled"
