"""Deployments for pipelines: recorded, moved on, paused, aborted, taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.errors import Invalid, Refused
from governance.models import Deployment, GateAsk
from governance.queries.gate_checks import read_digest
from governance.queries.pages import deployments_visible_to
from governance.services.deployments import NotAuthorized, record_deployment, withdraw_deployment
from governance.services.gate_checks import keep_answer
from governance.services.rollouts import (
    abort_deployment,
    advance_deployment,
    note_metric,
    pause_deployment,
    resume_deployment,
    roll_back,
)
from lifecycle.api.asking import person_asking
from lifecycle.models import User
from lifecycle.queries.iterations import current_iteration
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.idempotency import once

_KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER,
    description="the same key acts once, however often it is sent",
)  # fmt: skip


class AbortMetric(serializers.Serializer[Any]):
    """The metric that ends a roll-out."""

    metric = serializers.CharField(max_length=100)
    op = serializers.ChoiceField(choices=[">", ">=", "<", "<="])
    limit = serializers.FloatField()


class DeploymentIn(serializers.Serializer[Any]):
    """What is put where."""

    project = serializers.SlugField(max_length=60)
    model_digest = serializers.CharField(max_length=71, help_text="SHA-256, hexadecimal")
    environment = serializers.CharField(max_length=60)
    scope = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=100), min_length=1), required=False
    )
    strategy = serializers.ChoiceField(choices=Deployment.Strategy.choices, default=Deployment.Strategy.FULL)
    steps = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="percent of the traffic, step by step"
    )
    abort_metric = AbortMetric(required=False)


class MoveIn(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(max_length=10_000)


class RollBackIn(serializers.Serializer[Any]):
    """Where to go back, and why."""

    project = serializers.SlugField(max_length=60)
    environment = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=10_000)


class MetricIn(serializers.Serializer[Any]):
    """One value of the metric that may end a roll-out."""

    metric = serializers.CharField(max_length=100)
    value = serializers.FloatField()


class DeploymentOut(serializers.ModelSerializer[Deployment]):
    """A deployment as it stands."""

    project = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    model = serializers.IntegerField(source="model_version.number")
    model_digest = serializers.CharField(source="model_version.digest")
    next_share = serializers.IntegerField(allow_null=True)

    class Meta:
        model = Deployment
        fields = (
            "id", "project", "model", "model_digest", "environment", "scope", "strategy", "steps", "step",
            "share", "next_share", "abort_metric", "state", "state_reason", "authorization", "deployed_at",
            "ended_at",
        )  # fmt: skip


class DeploymentsAsked(serializers.Serializer[Any]):
    """What the list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    environment = serializers.CharField(max_length=60, required=False)
    state = serializers.ChoiceField(choices=Deployment.State.choices, required=False)


def _moves(name: str) -> Callable[..., Any]:
    return extend_schema(
        request=MoveIn, responses=DeploymentOut, parameters=[_KEY], operation_id=f"deployments_{name}"
    )


@extend_schema_view(list=extend_schema(parameters=[DeploymentsAsked]))
class DeploymentViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Deployment]
):
    """Deployments: each is refused that is not authorized for its environment, scope and traffic share."""

    serializer_class = DeploymentOut
    queryset = Deployment.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Deployment]:
        """Those of the projects that the person sees. 1 query a page."""
        found = deployments_visible_to(person_asking(self.request))
        if self.action != "list":
            return found
        asked = DeploymentsAsked(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"project": "project__slug", "environment": "environment", "state": "state"}
        return found.filter(**{fields[name]: value for name, value in asked.validated_data.items()})

    @extend_schema(request=DeploymentIn, responses={201: DeploymentOut}, parameters=[_KEY])
    def create(self, request: Request) -> Response:
        """Put a model version into an environment; 409 with the gate check's reasons where it says no."""
        data = _read(DeploymentIn, request)
        actor = person_asking(request)
        project = get_object_or_404(projects_visible_to(actor), slug=data.pop("project"))
        version = project.model_versions.filter(digest=read_digest(data.pop("model_digest"))).first()
        iteration = current_iteration(project)
        if version is None:
            text = _("This project has no model with this digest.")
            raise Invalid("model_unknown", text, "/model_digest")
        if iteration is None:
            raise Refused("no_iteration", _("This project has no iteration yet."))

        def work() -> dict[str, Any]:
            return _out(record_deployment(iteration=iteration, model_version=version, actor=actor, **data))

        return Response(_once(request, actor, work), status=status.HTTP_201_CREATED)

    @_moves("advance")
    @action(detail=True, methods=["post"])
    def advance(self, request: Request, pk: str) -> Response:
        """Give it the traffic of its next step."""
        return self._act(request, lambda found, actor: advance_deployment(deployment=found, actor=actor))

    @_moves("pause")
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Let it stand where it is."""
        return self._move(request, pause_deployment)

    @_moves("resume")
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Let it go on."""
        return self._move(request, resume_deployment)

    @_moves("abort")
    @action(detail=True, methods=["post"])
    def abort(self, request: Request, pk: str) -> Response:
        """Take its traffic away."""
        return self._move(request, abort_deployment)

    @_moves("withdraw")
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take it out of its environment."""
        return self._move(request, withdraw_deployment)

    @extend_schema(request=MetricIn, responses=DeploymentOut, parameters=[_KEY])
    @action(detail=True, methods=["post"])
    def metrics(self, request: Request, pk: str) -> Response:
        """Tell a value of the metric that may end the roll-out."""
        data = _read(MetricIn, request)
        return self._act(request, lambda found, actor: note_metric(deployment=found, actor=actor, **data))

    @extend_schema(
        request=RollBackIn, responses=DeploymentOut, parameters=[_KEY], operation_id="deployments_roll_back"
    )
    @action(detail=False, methods=["post"], url_path="roll-back", url_name="roll-back")
    def roll_back(self, request: Request) -> Response:
        """Go back to the last version that is authorized there now; answers with what is live then."""
        data, actor = _read(RollBackIn, request), person_asking(request)
        project = get_object_or_404(projects_visible_to(actor), slug=data.pop("project"))
        return Response(_once(request, actor, lambda: _out(roll_back(project=project, actor=actor, **data))))

    def _move(self, request: Request, service: Callable[..., Deployment]) -> Response:
        data = _read(MoveIn, request)
        return self._act(request, lambda found, actor: service(deployment=found, actor=actor, **data))

    def _act(self, request: Request, service: Callable[[Deployment, User], Deployment]) -> Response:
        actor = person_asking(request)
        found = deployments_visible_to(actor).filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise Http404
        return Response(_once(request, actor, lambda: _out(service(found, actor))))


def _read(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    asked = shape(data=request.data)
    asked.is_valid(raise_exception=True)
    return dict(asked.validated_data)


def _out(found: Deployment) -> dict[str, Any]:
    return dict(DeploymentOut(found).data)


def _once(request: Request, actor: User, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Once for each key; a "deny" that was undone with the key's transaction is kept after it."""
    key = request.headers.get("Idempotency-Key", "")
    said = json.dumps(request.data, sort_keys=True)
    asked = f"{request.method} {request.path}\n{said}".encode()
    try:
        return once(user=actor, key=key, request=asked, work=work)
    except NotAuthorized as no:
        if key:
            with suppress(DatabaseError):
                keep_answer(point=GateAsk.Point.DEPLOYMENT, decision=no.decision, actor=actor)
        raise
