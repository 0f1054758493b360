"""Attestations of gates, passes for offline use, and the public keys that verify them."""

from __future__ import annotations

import json
from typing import cast

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.models import Attestation
from governance.queries.gate_checks import read_scope
from governance.queries.pages import gates_visible_to
from governance.services.attestations import attest_gate, authorization_status, keys, offline_pass
from lifecycle.models import User


class KeyList(APIView):
    """The public keys of this installation, retired ones too. Nobody has to log in to verify."""

    permission_classes = (AllowAny,)
    authentication_classes = ()

    @extend_schema(operation_id="keys", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """All keys, the oldest first."""
        return Response({"keys": keys()})


class AttestationView(APIView):
    """One attestation of a decided gate, as a DSSE envelope."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="gate_attestation", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int, kind: str) -> Response:
        """The envelope of this kind: sign-off, verdict or test-result."""
        gate = gates_visible_to(cast("User", request.user)).filter(pk=pk).first()
        if gate is None or kind not in Attestation.Kind.values:
            raise Http404
        found = next((each for each in attest_gate(gate=gate) if each.kind == kind), None)
        if found is None:
            raise Http404
        return Response(json.loads(found.envelope), headers=_named(f"gate-{gate.pk}-{kind}.dsse.json"))


class GatePassView(APIView):
    """A pass for deployers who cannot ask each time. Given only while the gate check allows it."""

    permission_classes = (IsAuthenticated,)
    required_scopes = ("gate_check", "write")

    @extend_schema(
        operation_id="gate_pass", responses=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter("model_digest", OpenApiTypes.STR, required=True),
            OpenApiParameter("environment", OpenApiTypes.STR, required=True),
            OpenApiParameter("scope", OpenApiTypes.STR, many=True, description="key=value, may be repeated"),
        ],
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """The pass, or 409 with the reason."""
        asked = request.query_params
        scope: dict[str, list[str]] = {}
        for text in asked.getlist("scope"):
            key, value = read_scope(text)
            scope.setdefault(key, []).append(value)
        envelope = offline_pass(
            model_digest=asked.get("model_digest", ""), environment=asked.get("environment", ""), scope=scope,
            actor=cast("User", request.user),
        )  # fmt: skip
        return Response(json.loads(envelope), headers=_named("gate-pass.dsse.json"))


class StatusView(APIView):
    """The signed list of authorizations that no longer hold."""

    permission_classes = (IsAuthenticated,)
    required_scopes = ("gate_check", "read", "write")

    @extend_schema(operation_id="authorization_status", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """The list, good for a day."""
        return Response(json.loads(authorization_status()), headers=_named("authorization-status.dsse.json"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}
