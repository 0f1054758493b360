"""`/api/v1/monitoring-plans/`: what is watched, and looking at it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.errors import Invalid
from lifecycle.models import ModelVersion, MonitoringPlan, MonitoringWindow
from lifecycle.queries.monitoring_plans import plans_visible_to, verdict_of, windows_visible_to
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.monitoring_plans import define_plan, pause_plan, resume_plan
from lifecycle.services.monitoring_windows import look_now


class PlanOut(serializers.ModelSerializer[MonitoringPlan]):
    """A version of a plan, read only."""

    project = serializers.SlugField(source="project.slug")
    model_digest = serializers.CharField(source="model_version.digest")
    created_by = serializers.CharField(source="created_by.name", default=None, allow_null=True)
    spec = serializers.DictField()

    class Meta:
        model = MonitoringPlan
        fields: ClassVar = [
            "id", "project", "key", "version", "name", "model_digest", "environment", "state", "spec",
            "spec_digest", "first_start", "next_look_at", "created_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class PlanIn(serializers.Serializer[Any]):
    """A plan, or with the key of one another version of it."""

    project = serializers.SlugField(max_length=60)
    key = serializers.SlugField(
        max_length=60, required=False, help_text="of the plan that gets a new version"
    )
    name = serializers.CharField(max_length=200)
    model_digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    environment = serializers.CharField(max_length=60)
    spec = serializers.DictField(help_text="docs/monitoring.md says what it has")


class PlansAsked(serializers.Serializer[Any]):
    """What a list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    key = serializers.SlugField(max_length=60, required=False)
    state = serializers.ChoiceField(choices=MonitoringPlan.State.choices, required=False)


class WindowOut(serializers.ModelSerializer[MonitoringWindow]):
    """A look at a window."""

    run = serializers.IntegerField(source="run_id")
    run_state = serializers.CharField(source="run.state")
    version = serializers.IntegerField(source="plan.version")
    verdict = serializers.SerializerMethodField()

    class Meta:
        model = MonitoringWindow
        fields: ClassVar = ["id", "start", "end", "stage", "version", "run", "run_state", "verdict"]
        read_only_fields = fields

    def get_verdict(self, window: MonitoringWindow) -> str:
        """What it came to; empty while it is under way."""
        return verdict_of(window)


class LookedOut(serializers.Serializer[Any]):
    """The runs that were asked for."""

    runs = serializers.ListField(child=serializers.IntegerField())


@extend_schema_view(list=extend_schema(parameters=[PlansAsked]))
class MonitoringPlanViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[MonitoringPlan]
):
    """Monitoring plans: list, detail, define, look now, pause, resume, and their windows."""

    serializer_class = PlanOut
    queryset = MonitoringPlan.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[MonitoringPlan]:
        """Those of the projects that the person sees. 1 query a page."""
        found = plans_visible_to(person_asking(self.request))
        if self.action != "list":
            return found
        asked = PlansAsked(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"project": "project__slug", "key": "key", "state": "state"}
        return found.filter(**{fields[name]: value for name, value in asked.validated_data.items()})

    @extend_schema(request=PlanIn, responses={201: PlanOut})
    def create(self, request: Request) -> Response:
        """Define a plan, or another version of one."""
        asked = PlanIn(data=request.data)
        asked.is_valid(raise_exception=True)
        actor, data = person_asking(request), asked.validated_data
        project = get_object_or_404(projects_visible_to(actor), slug=data["project"])
        version = ModelVersion.objects.filter(project=project, digest=data["model_digest"]).first()
        if version is None:
            raise Invalid("unknown_model", _("The project has no model with this digest."), "/model_digest")
        made = define_plan(
            project=project, name=data["name"], model_version=version, environment=data["environment"],
            spec=data["spec"], actor=actor, key=data.get("key", ""),
        )  # fmt: skip
        return Response(PlanOut(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={202: LookedOut})
    @action(detail=True, methods=["post"])
    def look(self, request: Request, pk: str = "") -> Response:
        """Look at every window that has come due, without waiting for the schedule."""
        runs = look_now(plan=self.get_object(), actor=person_asking(request), now=timezone.now())
        return Response({"runs": [run.pk for run in runs]}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: PlanOut})
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str = "") -> Response:
        """Look at no more windows for now."""
        return Response(PlanOut(pause_plan(plan=self.get_object(), actor=person_asking(request))).data)

    @extend_schema(request=None, responses={200: PlanOut})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str = "") -> Response:
        """Go on; what passed meanwhile is caught up."""
        return Response(PlanOut(resume_plan(plan=self.get_object(), actor=person_asking(request))).data)

    @extend_schema(responses={200: WindowOut(many=True)})
    @action(detail=True, methods=["get"])
    def windows(self, request: Request, pk: str = "") -> Response:
        """The looks at windows of the plan, of all its versions, the newest first."""
        plan = self.get_object()
        found = windows_visible_to(person_asking(request)).filter(
            plan__project=plan.project_id, plan__key=plan.key
        )
        page: Any = self.paginate_queryset(found)  # type: ignore[arg-type]  # of windows, not of plans
        return self.get_paginated_response(WindowOut(page, many=True).data)
