"""Deployments as pages show them: the list, and one with its steps, its way on and its way back."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from governance.models import Deployment
from governance.queries.deployments import Return, allowed_now, where_to_return
from governance.queries.gate_checks import Decision
from governance.queries.pages import deployments_visible_to
from lifecycle.figures import RolloutBar
from lifecycle.models import User
from lifecycle.queries.history import HistoryLine, history_of

_S = Deployment.State
_TAKEN_AWAY = (_S.ABORTED, _S.ROLLED_BACK, _S.WITHDRAWN)


@dataclass(frozen=True)
class DeploymentPage:
    """One deployment. `ahead` is what the gate check says of the next step, if there is one."""

    deployment: Deployment
    figure: RolloutBar
    title: str
    history: list[HistoryLine]
    ahead: Decision | None
    back: Return | None


def deployment_page(found: Deployment) -> DeploymentPage:
    """A deployment with its history and what can be done next.

    1 query for the history, 1 for the next step, and those of `where_to_return` while it stands.
    """
    going_on = found.under_way and found.next_share is not None
    return DeploymentPage(
        deployment=found,
        figure=figure_of(found),
        title=title_of(found),
        history=history_of(found),
        ahead=allowed_now(found, found.next_share or 0) if going_on else None,
        back=where_to_return(found.project, found.environment) if found.stands else None,
    )


def figure_of(found: Deployment) -> RolloutBar:
    """How much of the traffic it has, or had when it ended."""
    return RolloutBar(found.share, tuple(found.steps), stopped=found.state in _TAKEN_AWAY)


def title_of(found: Deployment) -> str:
    """The finding: which model has how much of the traffic where."""
    words = {"n": found.model_version.number, "where": found.environment, "share": found.share}
    beside = found.under_way and found.share == 0
    if beside and found.strategy == Deployment.Strategy.SHADOW:
        return _("Model %(n)s sees a copy of the traffic in %(where)s") % words
    if beside:
        return _("Model %(n)s stands beside the live one in %(where)s") % words
    texts = {
        _S.ROLLING: _("Model %(n)s has %(share)s %% of the traffic in %(where)s"),
        _S.PAUSED: _("Model %(n)s waits at %(share)s %% of the traffic in %(where)s"),
        _S.LIVE: _("Model %(n)s is live in %(where)s"),
        _S.REPLACED: _("Model %(n)s was replaced in %(where)s"),
        _S.WITHDRAWN: _("Model %(n)s was withdrawn from %(where)s"),
        _S.ABORTED: _("Model %(n)s was aborted at %(share)s %% of the traffic in %(where)s"),
        _S.ROLLED_BACK: _("Model %(n)s was taken back in %(where)s"),
    }
    return texts[_S(found.state)] % words


def deployments_found(user: User, **narrowed: str) -> QuerySet[Deployment]:
    """What the user sees, what stands first, then the newest. 1 query, people included.

    Narrowed to a `project` (its slug), an `environment`, a `state`, a `strategy`; an empty one counts not.
    """
    fields = {"project": "project__slug"}
    which = {fields.get(name, name): value for name, value in narrowed.items() if value}
    ended_last = F("ended_at").desc(nulls_first=True)
    found = deployments_visible_to(user).filter(**which).select_related("deployed_by")
    return found.order_by(ended_last, "-deployed_at", "-pk")


def standing_of(deployments: QuerySet[Deployment]) -> tuple[int, int]:
    """How many of these are live, and how many on their way. 1 query."""
    standing = deployments.order_by().filter(state__in=Deployment.STANDING)
    states = list(standing.values_list("state", flat=True))
    live = states.count(_S.LIVE)
    return live, len(states) - live
