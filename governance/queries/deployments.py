"""Deployments of a project: what stands where, what can be returned to."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils import timezone

from governance.models import Deployment
from governance.models.deployments import WHOLE
from governance.queries.gate_checks import TRAFFIC_SHARE, Decision, gate_check
from lifecycle.models import Project

MOST_LOOKED_AT = 20
_S = Deployment.State


@dataclass(frozen=True)
class Return:
    """What stands in an environment, and what a roll-back would leave live there (None: nothing can be)."""

    live: Deployment | None
    under_way: tuple[Deployment, ...]
    to: Deployment | None


def where_to_return(project: Project, environment: str) -> Return:
    """What a roll-back leads to: the last version that the gate check allows there now.

    Without a roll-out that is never the live version itself. 1 query, and 1 for each version looked at, 20
    at most.
    """
    rows = project.deployments.filter(environment=environment).select_related(
        "project", "model_version", "iteration", "authorization"
    )
    found = list(rows.order_by("-deployed_at", "-pk")[:200])
    live = next((each for each in found if each.state == _S.LIVE), None)
    under_way = tuple(each for each in found if each.under_way)
    left = {each.model_version_id for each in under_way} | (
        {live.model_version_id} if live is not None and not under_way else set()
    )
    if not under_way and live is None:
        left = {each.model_version_id for each in found[:1]}
    tried: set[int] = set()
    for each in found:
        was_live = each.share == WHOLE and (each.state != _S.ABORTED)
        if each.model_version_id in left | tried or not was_live or len(tried) >= MOST_LOOKED_AT:
            continue
        tried.add(each.model_version_id)
        if allowed_now(each).allow:
            return Return(live, under_way, each)
    return Return(live, under_way, None)


def allowed_now(deployment: Deployment, share: int = WHOLE) -> Decision:
    """Whether the gate check allows this deployment as it is, with this share of the traffic. 1 query."""
    scope = {**deployment.scope, TRAFFIC_SHARE: [str(share)]}
    return gate_check(
        model_digest=deployment.model_version.digest, environment=deployment.environment, scope=scope,
        at=timezone.now(), project=deployment.project,
    )  # fmt: skip
