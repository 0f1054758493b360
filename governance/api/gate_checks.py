"""`GET /api/v1/gate-checks/`: the gate check for deployers."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from django.db import DatabaseError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.models import GateAsk
from governance.queries.gate_checks import read_scope
from governance.services.gate_checks import ask_gate, unreachable
from lifecycle.models import User


class AuthorizationOut(serializers.Serializer[object]):
    """The authorization that an answer rests on."""

    id = serializers.IntegerField()
    project = serializers.SlugField()
    gate = serializers.IntegerField()
    state = serializers.CharField()
    scope = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()


class DecisionOut(serializers.Serializer[object]):
    """The answer to a gate check."""

    decision = serializers.ChoiceField(choices=["allow", "deny"])
    model_digest = serializers.CharField()
    environment = serializers.CharField()
    scope = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    checked_at = serializers.DateTimeField()
    reasons = serializers.ListField(child=serializers.CharField())
    authorization = AuthorizationOut(allow_null=True)


class GateCheckView(APIView):
    """Whether a model digest is authorized for an environment. A "deny" is an answer, so it is 200 too."""

    permission_classes = (IsAuthenticated,)
    required_scopes = ("gate_check", "read", "write")

    @extend_schema(
        operation_id="gate_check",
        parameters=[
            OpenApiParameter(
                "model_digest", OpenApiTypes.STR, required=True, description="SHA-256, hexadecimal"
            ),
            OpenApiParameter("environment", OpenApiTypes.STR, required=True),
            OpenApiParameter("scope", OpenApiTypes.STR, many=True, description="key=value, may be repeated"),
        ],
        responses=DecisionOut,
    )
    def get(self, request: Request) -> Response:
        """Answer with decision and reasons."""
        scope: dict[str, list[str]] = {}
        for text in request.query_params.getlist("scope"):
            key, value = read_scope(text)
            scope.setdefault(key, []).append(value)
        decision = ask_gate(
            point=GateAsk.Point.REST,
            actor=cast("User", request.user),
            model_digest=request.query_params.get("model_digest", ""),
            environment=request.query_params.get("environment", ""),
            scope=scope,
        )
        return Response(decision.as_dict())

    def handle_exception(self, exc: Exception) -> Response:
        """A database that does not answer, be it for the token's sake, is a "deny" too."""
        if not isinstance(exc, DatabaseError):
            return super().handle_exception(exc)
        asked = self.request.GET
        denied = unreachable(asked.get("model_digest", ""), asked.get("environment", ""), {})
        return Response(denied.as_dict(), status=HTTPStatus.SERVICE_UNAVAILABLE)
