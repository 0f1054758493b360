"""`/api/v1/inventory/` and `/api/v1/projects/{slug}/incidents/`: AI systems, and the harm that they did."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.models import Incident
from governance.queries.inventory import lines_of, systems
from governance.rules.gates import may_ask, may_judge
from governance.services.incidents import open_incident
from lifecycle.api.asking import person_asking
from lifecycle.models import Project
from lifecycle.queries.projects import projects_visible_to


class LiveVersionOut(serializers.Serializer[object]):
    """One model version in production."""

    model = serializers.IntegerField()
    model_digest = serializers.CharField()
    environment = serializers.CharField()


class SystemOut(serializers.Serializer[object]):
    """One AI system of the organization."""

    project = serializers.SlugField()
    name = serializers.CharField()
    purpose = serializers.CharField()
    risk_class = serializers.CharField()
    owner = serializers.CharField()
    approved_uses = serializers.ListField(child=serializers.CharField())
    live = LiveVersionOut(many=True)
    last_review = serializers.DateTimeField(allow_null=True)
    next_review_on = serializers.DateField(allow_null=True)
    open_incidents = serializers.IntegerField()


class IncidentIn(serializers.Serializer[Any]):
    """Harm, or what nearly was."""

    title = serializers.CharField(max_length=300)
    severity = serializers.ChoiceField(choices=Incident.Severity.choices)
    aware_at = serializers.DateTimeField()
    detail = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)


class IncidentOut(serializers.ModelSerializer[Incident]):
    """An incident with the day by which the authority must know."""

    class Meta:
        model = Incident
        fields = (
            "id", "title", "detail", "severity", "state", "aware_at", "due_at", "opened_at", "reported_at",
            "report", "root_cause", "action", "risks_seen", "closed_at",
        )  # fmt: skip


class Inventory(APIView):
    """All AI systems that the person sees."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="inventory", responses=SystemOut(many=True))
    def get(self, request: Request) -> Response:
        """By name. 5 queries, whatever their number."""
        return Response(
            [
                {
                    "project": line.project.slug, "name": line.project.name, "purpose": line.project.purpose,
                    "risk_class": line.project.risk_class,
                    "owner": str(line.entry.owner) if line.entry else "",
                    "approved_uses": line.entry.approved_uses if line.entry else [],
                    "live": [
                        {
                            "model": each.model_version_id, "model_digest": each.model_version.digest,
                            "environment": each.environment,
                        }
                        for each in line.live
                    ],
                    "last_review": line.last_review.done_at if line.last_review else None,
                    "next_review_on": line.entry.next_review_on if line.entry else None,
                    "open_incidents": line.open_incidents,
                }
                for line in lines_of(systems(person_asking(request)))
            ]
        )  # fmt: skip


class IncidentList(APIView):
    """The incidents of a project."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="incidents", responses=IncidentOut(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """The last 500, newest first. 2 queries."""
        found = _project(request, slug).incidents.order_by("-aware_at", "-pk")
        return Response(IncidentOut(found[:500], many=True).data)

    @extend_schema(operation_id="incident_open", request=IncidentIn, responses={201: IncidentOut})
    def post(self, request: Request, slug: str) -> Response:
        """Put down an incident; the deadline follows from its severity."""
        person, project = person_asking(request), _project(request, slug)
        if not (may_ask(person, project) or may_judge(person, project)):
            raise PermissionDenied
        given = IncidentIn(data=request.data)
        given.is_valid(raise_exception=True)
        made = open_incident(project=project, actor=person, **given.validated_data)
        return Response(IncidentOut(made).data, status=HTTPStatus.CREATED)


def _project(request: Request, slug: str) -> Project:
    return get_object_or_404(projects_visible_to(person_asking(request)), slug=slug)
