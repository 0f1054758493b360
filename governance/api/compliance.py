"""`/api/v1/projects/{slug}/compliance/`: where a project stands, and what people say of its controls."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.compliance.statuses import Status
from governance.models import Assurance, ControlExclusion, ControlTask, FrameworkUse
from governance.queries.compliance import uses_in_force
from governance.queries.compliance_out import controls_data, coverage_data
from governance.queries.oscal import KINDS
from governance.rules.gates import may_judge, may_manage
from governance.services.assurances import assure_control, exclude_control
from governance.services.compliance import look_at
from lifecycle.api.asking import person_asking
from lifecycle.models import Project
from lifecycle.queries.projects import projects_visible_to


class CoverageOut(serializers.Serializer[object]):
    """How much of one framework is met."""

    framework = serializers.CharField()
    version = serializers.CharField()
    title = serializers.CharField()
    asked = serializers.IntegerField(help_text="controls that have a bearing")
    good = serializers.IntegerField(help_text="met, or met with waiver")
    percent = serializers.IntegerField(help_text="rounded down")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="by status")


class ComplianceOut(serializers.Serializer[object]):
    """Where a project stands."""

    project = serializers.SlugField()
    looked_at = serializers.DateTimeField(allow_null=True)
    ledger_index = serializers.IntegerField(allow_null=True, help_text="up to this entry of the ledger")
    frameworks = CoverageOut(many=True)


class EvidenceOut(serializers.Serializer[object]):
    """One record that a check judged."""

    check = serializers.CharField()
    kind = serializers.CharField()
    id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field named so hides an attribute
    says = serializers.ChoiceField(choices=["holds", "waived", "waits", "breaks"])
    why = serializers.CharField()
    url = serializers.CharField(help_text="the page of the record")


class ControlTaskOut(serializers.Serializer[object]):
    """A task in which the gap of a control is closed."""

    id = serializers.IntegerField()
    framework = serializers.CharField()
    control = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field named so hides an attribute
    state = serializers.ChoiceField(choices=ControlTask.State.choices)
    task = serializers.IntegerField(help_text="the task of the lifecycle")
    task_key = serializers.CharField()
    task_name = serializers.CharField()
    task_state = serializers.CharField()
    owner = serializers.CharField(allow_null=True, help_text="user name")
    due_on = serializers.DateField(allow_null=True)
    made_for_it = serializers.BooleanField(help_text="the task was added for this gap")
    opened_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    ended_because = serializers.CharField()


class ControlOut(serializers.Serializer[object]):
    """One control with where it stands and what that rests on."""

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field named so hides an attribute
    title = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    checks = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField(help_text="why it has no bearing, empty otherwise")
    evidence = EvidenceOut(many=True)
    gap_task = ControlTaskOut(allow_null=True, help_text="the open task for its gap")


class AssuranceIn(serializers.Serializer[Any]):
    """A signed word. Password and second factor are given again, whatever the request was made with."""

    control = serializers.CharField(max_length=100)
    statement = serializers.CharField(max_length=10_000)
    link = serializers.CharField(required=False, allow_blank=True, default="", max_length=500)
    expires_on = serializers.DateField()
    password = serializers.CharField(write_only=True, trim_whitespace=False, max_length=200)
    code = serializers.CharField(write_only=True, required=False, allow_blank=True, default="", max_length=40)


class AssuranceOut(serializers.ModelSerializer[Assurance]):
    """Somebody's signed word for a control."""

    class Meta:
        model = Assurance
        fields = (
            "id", "framework_key", "control", "statement", "link", "signer_name", "second_factor", "digest",
            "signed_at", "expires_on", "ended_at", "ended_because",
        )  # fmt: skip


class ExclusionIn(serializers.Serializer[Any]):
    """That a control has no bearing, and why."""

    control = serializers.CharField(max_length=100)
    reason = serializers.CharField(max_length=10_000)


class ExclusionOut(serializers.ModelSerializer[ControlExclusion]):
    """A control without bearing."""

    class Meta:
        model = ControlExclusion
        fields = ("id", "framework_key", "control", "reason", "decided_at", "ended_at")


class ProjectCompliance(APIView):
    """The frameworks of a project."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="compliance", responses=ComplianceOut)
    def get(self, request: Request, slug: str) -> Response:
        """Coverage of each framework in use, as it was last looked at. 4 queries."""
        return Response(coverage_data(project_asked(request, slug)))


class ProjectControls(APIView):
    """The controls of one framework in a project."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="compliance_controls",
        parameters=[OpenApiParameter("status", OpenApiTypes.STR, enum=Status.values)],
        responses=ControlOut(many=True),
    )
    def get(self, request: Request, slug: str, key: str) -> Response:
        """Each control with its status and the records behind it. 8 queries, whatever their number."""
        use = use_asked(project_asked(request, slug), key)
        status = request.query_params.get("status", "")
        return Response([each for each in controls_data(use) if not status or each["status"] == status])


class ProjectOscal(APIView):
    """What OSCAL has for one framework in a project."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="compliance_oscal", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, slug: str, key: str, kind: str) -> Response:
        """`catalog`, `profile`, `component-definition` or `assessment-results`. 14 queries."""
        use = use_asked(project_asked(request, slug), key)
        if kind not in KINDS:
            raise Http404
        return Response(KINDS[kind](use, timezone.now()))


class AssuranceList(APIView):
    """What people vouch for under one framework."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="assurances", responses=AssuranceOut(many=True))
    def get(self, request: Request, slug: str, key: str) -> Response:
        """The last 500, also those that are over."""
        use = use_asked(project_asked(request, slug), key)
        found = use.project.assurances.filter(framework_key=key).order_by("-signed_at", "-pk")
        return Response(AssuranceOut(found[:500], many=True).data)

    @extend_schema(operation_id="assurance_sign", request=AssuranceIn, responses={201: AssuranceOut})
    def post(self, request: Request, slug: str, key: str) -> Response:
        """Sign that a control is met where no record can tell."""
        person = person_asking(request)
        use = use_asked(project_asked(request, slug), key)
        if not may_judge(person, use.project):
            raise PermissionDenied
        given = AssuranceIn(data=request.data)
        given.is_valid(raise_exception=True)
        made = assure_control(use=use, actor=person, **given.validated_data)
        look_at(project=use.project)
        return Response(AssuranceOut(made).data, status=HTTPStatus.CREATED)


class ExclusionList(APIView):
    """What has no bearing under one framework."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="exclusions", responses=ExclusionOut(many=True))
    def get(self, request: Request, slug: str, key: str) -> Response:
        """The last 500, also those that are over."""
        use = use_asked(project_asked(request, slug), key)
        found = use.project.control_exclusions.filter(framework_key=key).order_by("-decided_at", "-pk")
        return Response(ExclusionOut(found[:500], many=True).data)

    @extend_schema(operation_id="control_exclude", request=ExclusionIn, responses={201: ExclusionOut})
    def post(self, request: Request, slug: str, key: str) -> Response:
        """Say that a control has no bearing on the project."""
        person = person_asking(request)
        use = use_asked(project_asked(request, slug), key)
        if not may_manage(person, use.project):
            raise PermissionDenied
        given = ExclusionIn(data=request.data)
        given.is_valid(raise_exception=True)
        made = exclude_control(use=use, actor=person, **given.validated_data)
        look_at(project=use.project)
        return Response(ExclusionOut(made).data, status=HTTPStatus.CREATED)


def project_asked(request: Request, slug: str) -> Project:
    """The project if who asks sees it, else 404."""
    return get_object_or_404(projects_visible_to(person_asking(request)), slug=slug)


def use_asked(project: Project, key: str) -> FrameworkUse:
    """The use of a framework in a project, 404 if it is not measured by it now."""
    return get_object_or_404(uses_in_force(project).select_related("project"), framework__key=key)
