"""Deployments as events that triggers look at: put in place, further on its way, at its end."""

from __future__ import annotations

from django.utils.translation import gettext as _

from governance.models import Deployment
from lifecycle.definitions import TriggerKind
from lifecycle.services.triggers import handle_event


def show_deployment(deployment_id: int, entry: int) -> None:
    """Put before the triggers what a deployment has just become; `entry` is the ledger's for that step."""
    found = Deployment.objects.select_related("project", "model_version").get(pk=deployment_id)
    said = _("%(deployment)s: %(state)s, %(share)d %% of the traffic")
    words = {"deployment": found, "state": found.get_state_display().lower(), "share": found.share}
    event = {
        "deployment": found.pk, "state": found.state, "environment": found.environment,
        "model": found.model_version.digest, "strategy": found.strategy, "share": found.share,
        "authorized": found.authorization_id is not None, "reason": found.state_reason[:300],
        "summary": (said % words)[:500],
    }  # fmt: skip
    handle_event(
        project=found.project, kind=TriggerKind.DEPLOYMENT, event=event,
        event_key=f"deployment:{found.pk}:{entry}",
    )  # fmt: skip
