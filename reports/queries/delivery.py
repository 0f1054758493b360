"""Authorizations, deployments and checks as documents."""

from collections import Counter
from collections.abc import Sequence

from django.utils.translation import gettext as _

from governance.models import Authorization, Deployment
from lifecycle.models import Run
from reports.documents import Authorization as AuthorizationDocument
from reports.documents import CheckCount, Mark, State
from reports.documents import Deployment as DeploymentDocument
from reports.queries.moment import Moment, mark, scope_words, version_words
from reports.queries.pasts import Pasts


def authorizations_of(project_id: int, moment: Moment, pasts: Pasts) -> tuple[AuthorizationDocument, ...]:
    """Permissions given by then, oldest first. 1 query."""
    given = Authorization.objects.filter(project=project_id, valid_from__lte=moment.at)
    return tuple(
        AuthorizationDocument(
            code=f"A-{each.pk}",
            model=version_words(each.model_version.number),
            model_digest=each.model_digest,
            environment=each.environment,
            mark=_authorization_mark(each, moment, pasts),
            valid_from=each.valid_from,
            valid_until=each.valid_until,
            scope=scope_words(each.scope),
            gate=each.gate.key,
            reason=pasts.given_then(each)[1],
        )
        for each in given.select_related("gate", "model_version").order_by("valid_from", "pk")
    )


def deployments_of(project_id: int, moment: Moment, pasts: Pasts) -> tuple[DeploymentDocument, ...]:
    """What was put where by then, oldest first. 1 query."""
    put = Deployment.objects.filter(project=project_id, deployed_at__lte=moment.at)
    return tuple(
        DeploymentDocument(
            code=f"D-{each.pk}",
            at=each.deployed_at,
            environment=each.environment,
            model=version_words(each.model_version.number),
            model_digest=each.model_version.digest,
            by=str(each.deployed_by),
            mark=_deployment_mark(each, moment, pasts),
            authorization=f"A-{each.authorization_id}" if each.authorization_id else "",
            ended_at=moment.seen(each.ended_at),
        )
        for each in put.select_related("model_version", "deployed_by", "authorization").order_by(
            "deployed_at", "pk"
        )
    )


def checks_of(runs: Sequence[Run]) -> tuple[CheckCount, ...]:
    """How often a deployment's gate check said what. No query."""
    found: Counter[tuple[str, str]] = Counter()
    for run in runs:
        check = run.record.get("gate_check") if run.kind == Run.Kind.DEPLOYMENT else None
        if check:
            found[str(check.get("decision", "")), "; ".join(check.get("reasons", []))] += 1
    return tuple(
        CheckCount(
            mark=mark(State.OK, _("allow")) if said == "allow" else mark(State.BAD, _("deny")),
            count=count,
            reason=reason,
        )
        for (said, reason), count in found.items()
    )


def _authorization_mark(given: Authorization, moment: Moment, pasts: Pasts) -> Mark:
    state = Authorization.State(pasts.given_then(given)[0])
    if state != Authorization.State.ACTIVE:
        return mark(State.BAD, state.label)
    if moment.at >= given.valid_until:
        return mark(State.WARN, _("expired"))
    return mark(State.OK, state.label)


def _deployment_mark(deployment: Deployment, moment: Moment, pasts: Pasts) -> Mark:
    if moment.seen(deployment.ended_at):
        return mark(State.IDLE, deployment.get_state_display())
    under = deployment.authorization
    if under is None or _authorization_mark(under, moment, pasts).state is not State.OK:
        return mark(State.BAD, _("in use, not authorized"))
    if under.model_digest != deployment.model_version.digest or under.environment != deployment.environment:
        return mark(State.BAD, _("in use, other than authorized"))
    return mark(State.OK, _("in use"))
