"""Model versions with what was decided about them and where they run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import timezone

from governance.models import Authorization, Deployment, Finding, Gate, Signoff
from lifecycle.models import ModelSignature, ModelVersion, Project, Run


@dataclass(frozen=True)
class VersionLine:
    """A model version as a row. `run` made it; `value` is its main metric there."""

    version: ModelVersion
    run: Run | None
    metric: str
    value: float | None
    gates: list[Gate]
    authorizations: list[Authorization]
    deployments: list[Deployment]
    signature: ModelSignature | None = None

    @property
    def is_live(self) -> bool:
        return any(each.state == Deployment.State.LIVE for each in self.deployments)


@dataclass(frozen=True)
class ModelsPage:
    """Everything that was made, allowed, deployed and found in a project."""

    lines: list[VersionLine]
    authorizations: list[Authorization]
    deployments: list[Deployment]
    findings: list[Finding]

    @property
    def live(self) -> list[Deployment]:
        return [each for each in self.deployments if each.state == Deployment.State.LIVE]

    @property
    def open_findings(self) -> list[Finding]:
        return [each for each in self.findings if each.stands]


@dataclass(frozen=True)
class AuthorizationPage:
    """An authorization with the signatures behind it and what runs under it."""

    authorization: Authorization
    signoffs: list[Signoff]
    deployments: list[Deployment]

    @property
    def expired(self) -> bool:
        return timezone.now() >= self.authorization.valid_until

    @property
    def state(self) -> str:
        """The state as a deployer meets it: one that has ended is expired, whatever else it is."""
        active = self.authorization.state == Authorization.State.ACTIVE
        return "expired" if active and self.expired else self.authorization.state

    @property
    def commands(self) -> list[str]:
        """What a pipeline runs before it deploys, by line: the words and their options."""
        given = self.authorization
        options = [f"--scope {key}={value}" for key, values in given.scope.items() for value in values]
        return [
            "./gatebook manage gate_check",
            f"--model-digest {given.model_digest}",
            f"--environment {given.environment}",
            *options,
        ]


def models_page(project: Project) -> ModelsPage:
    """Model versions, authorizations, deployments and findings of a project. 7 queries for any number."""
    versions = list(project.model_versions.order_by("-number"))
    gates = list(Gate.objects.filter(iteration__project=project, model_version__isnull=False))
    authorizations = list(
        project.authorizations.select_related("model_version", "gate").order_by("-valid_from", "-pk")
    )
    deployments = list(
        project.deployments.select_related("model_version", "deployed_by", "authorization").order_by(
            "-deployed_at", "-pk"
        )
    )
    runs, values = _runs(project)
    found = ModelSignature.objects.filter(model_version__project=project).defer("bundle").order_by("pk")
    signatures = {each.model_version_id: each for each in found}
    by_gate, by_given, by_deployed = _by(gates), _by(authorizations), _by(deployments)
    return ModelsPage(
        lines=[
            VersionLine(
                version=each,
                run=runs.get(each.pk),
                metric=values.get(each.pk, ("", None))[0],
                value=values.get(each.pk, ("", None))[1],
                gates=sorted(by_gate[each.pk], key=lambda gate: gate.opened_at),
                authorizations=by_given[each.pk],
                deployments=by_deployed[each.pk],
                signature=signatures.get(each.pk),
            )
            for each in versions
        ],
        authorizations=authorizations,
        deployments=deployments,
        findings=list(project.findings.select_related("owner").order_by("-state", "-opened_at")),
    )


def authorization_page(authorization: Authorization) -> AuthorizationPage:
    """An authorization with signatures and deployments. 2 queries beside the one that found it."""
    signoffs = authorization.gate.signoffs.select_related("signer", "evaluation").order_by("signed_at", "pk")
    deployments = authorization.deployments.select_related("deployed_by", "model_version")
    return AuthorizationPage(
        authorization=authorization,
        signoffs=list(signoffs),
        deployments=list(deployments.order_by("-deployed_at", "-pk")),
    )


def _runs(project: Project) -> tuple[dict[int, Run], dict[int, tuple[str, float | None]]]:
    """The training that made each version, and its main metric on the rows that it held back.

    Records are long: only the parts that are shown are read. 1 query.
    """
    found = (
        Run.objects.filter(
            project=project,
            kind=Run.Kind.TRAINING,
            state=Run.State.FINISHED,
            model_version__isnull=False,
        )
        .defer("record", "spec")
        .annotate(metrics=F("record__metrics"), main_metric=F("record__main_metric"))
        .order_by("finished_at", "pk")
    )
    made: dict[int, Run] = {}
    values: dict[int, tuple[str, float | None]] = {}
    for run in found:
        pk = run.model_version_id or 0  # never 0: the query leaves out runs without a model
        if pk in made:
            continue
        made[pk] = run
        if run.main_metric and isinstance(run.metrics, dict):
            values[pk] = (str(run.main_metric), run.metrics.get(run.main_metric))
    return made, values


def _by(records: Iterable[Any]) -> Mapping[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for record in records:
        found[record.model_version_id].append(record)
    return found
