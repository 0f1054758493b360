"""`GET /api/v1/production/`: what was in production at a moment."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.queries.moments import read_moment
from governance.queries.production import production_at
from governance.queries.production_out import as_data
from lifecycle.api.asking import person_asking
from lifecycle.queries.projects import projects_visible_to


class AuthorizationThenOut(serializers.Serializer[object]):
    """The authorization as it was at the moment."""

    id = serializers.IntegerField()
    gate = serializers.IntegerField()
    gate_key = serializers.CharField()
    state = serializers.ChoiceField(choices=["active", "suspended", "withdrawn", "expired"])
    reason = serializers.CharField()
    scope = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField()


class ApprovalOut(serializers.Serializer[object]):
    """One signature that carried the authorization."""

    name = serializers.CharField()
    meaning = serializers.CharField()
    signed_at = serializers.DateTimeField()
    digest = serializers.CharField(help_text="SHA-256 of what was signed")


class EvidenceThenOut(serializers.Serializer[object]):
    """One piece of evidence that was looked at."""

    task = serializers.CharField()
    kind = serializers.CharField()
    digest = serializers.CharField()
    state = serializers.CharField()
    title = serializers.CharField()
    run = serializers.IntegerField(allow_null=True)
    source_now = serializers.CharField()


class LiveOut(serializers.Serializer[object]):
    """One deployment that was live."""

    project = serializers.SlugField()
    environment = serializers.CharField()
    scope = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    iteration = serializers.IntegerField()
    deployment = serializers.IntegerField()
    model = serializers.IntegerField()
    model_digest = serializers.CharField()
    deployed_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    deployed_by = serializers.CharField()
    covered = serializers.BooleanField(help_text="live under an authorization that held at the moment")
    authorization = AuthorizationThenOut(allow_null=True)
    approvals = ApprovalOut(many=True)
    evidence = EvidenceThenOut(many=True)
    break_glass = serializers.CharField()


class ProductionOut(serializers.Serializer[object]):
    """What was live at the moment."""

    at = serializers.DateTimeField()
    more = serializers.BooleanField(help_text="there is more than is told: narrow by project")
    live = LiveOut(many=True)


class ProductionView(APIView):
    """What was in production at a moment, approved by whom, on which evidence."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="production",
        parameters=[
            OpenApiParameter(
                "at",
                OpenApiTypes.STR,
                description="a moment, UTC without a zone; a day: its end; none: now",
            ),
            OpenApiParameter("environment", OpenApiTypes.STR),
            OpenApiParameter("project", OpenApiTypes.STR, description="slug"),
        ],
        responses=ProductionOut,
    )
    def get(self, request: Request) -> Response:
        """Answer for the projects that the person sees. 5 queries."""
        asked: Any = request.query_params
        found = production_at(
            projects_visible_to(person_asking(request)),
            read_moment(asked.get("at", "")),
            environment=asked.get("environment", "").replace("\0", ""),
            project=asked.get("project", "").replace("\0", ""),
        )
        return Response(as_data(found))
