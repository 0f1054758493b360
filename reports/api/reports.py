"""`/api/v1/reports/`: documents asked for and taken along."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.queries.projects import projects_visible_to
from reports.models import Report
from reports.queries.files import file_of
from reports.queries.forms import FORMS, form_of
from reports.queries.pages import reports_visible_to
from reports.services.reports import cancel_report, request_report


class ReportOut(serializers.ModelSerializer[Report]):
    """A report, read only. `digest` is the SHA-256 of the file, empty while there is none."""

    project = serializers.SlugField(source="project.slug", default=None, allow_null=True)
    requested_by = serializers.CharField(source="requested_by.name", default=None, allow_null=True)

    class Meta:
        model = Report
        fields: ClassVar = [
            "id", "project", "kind", "options", "as_of", "body_digest", "entry",
            "kept_until", "state", "progress", "step", "error", "digest", "pages",
            "ledger_size", "requested_by", "requested_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class ReportIn(serializers.Serializer[Any]):
    """A request for a report of a project, or of all of them (portfolio, inventory)."""

    project = serializers.SlugField(
        max_length=60, required=False, help_text="left out for portfolio and inventory"
    )
    kind = serializers.ChoiceField(choices=Report.Kind.choices, default=Report.Kind.LIFECYCLE)
    gate = serializers.CharField(
        max_length=60, required=False, help_text="certificate: key or id of the gate"
    )
    model = serializers.CharField(max_length=64, required=False, help_text="model card: number or digest")
    since = serializers.CharField(max_length=40, required=False, help_text="where the period begins")
    framework = serializers.CharField(
        max_length=100, required=False, help_text="compliance, applicability, annex-iv: key of the framework"
    )
    paper = serializers.ChoiceField(choices=["A4", "letter"], required=False)
    as_of = serializers.DateTimeField(required=False, help_text="the moment it speaks of; now if left out")


class ReportsAsked(serializers.Serializer[Any]):
    """What a list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    state = serializers.ChoiceField(choices=Report.State.choices, required=False)


class FormAsked(serializers.Serializer[Any]):
    """In which form a report is taken along."""

    form = serializers.ChoiceField(
        choices=sorted(FORMS), default="json", help_text="csv and parquet: a ZIP with a file for each table"
    )


@extend_schema_view(list=extend_schema(parameters=[ReportsAsked]))
class ReportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Report]):
    """Reports: list, detail, a request for a new one, and its file."""

    serializer_class = ReportOut
    queryset = Report.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Report]:
        """The reports of the projects that the person sees. 1 query for a page."""
        reports = reports_visible_to(person_asking(self.request))
        if self.action != "list":
            return reports
        asked = ReportsAsked(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"project": "project__slug", "state": "state"}
        return reports.filter(**{fields[name]: value for name, value in asked.validated_data.items()})

    @extend_schema(request=ReportIn, responses={201: ReportOut})
    def create(self, request: Request) -> Response:
        """Ask for a report. It is queued when this answers; its state says how it goes on."""
        given = ReportIn(data=request.data)
        given.is_valid(raise_exception=True)
        person = person_asking(request)
        asked = dict(given.validated_data)
        slug, kind, as_of = asked.pop("project", None), asked.pop("kind"), asked.pop("as_of", None)
        project = get_object_or_404(projects_visible_to(person), slug=slug) if slug else None
        report = request_report(project=project, actor=person, kind=kind, options=asked, as_of=as_of)
        return Response(self.get_serializer(report).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """The PDF itself; 404 while there is none."""
        return file_of(self.get_object())

    @extend_schema(parameters=[FormAsked], responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def data(self, request: Request, pk: str) -> HttpResponseBase:
        """The content as data, or the audit pack; 404 while there is none."""
        asked = FormAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return form_of(self.get_object(), asked.validated_data["form"])

    @extend_schema(request=None, responses={200: ReportOut})
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """Stop the making of it; refused when it has ended."""
        report = cancel_report(report=self.get_object(), actor=person_asking(request))
        return Response(self.get_serializer(report).data)
