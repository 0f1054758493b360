"""`/api/v1/registrations/`: models and data named by digest; `/api/v1/data-sets/`: what data there is."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.api.runs import idempotency_key
from lifecycle.models import DataSetVersion, Registration
from lifecycle.queries.data_sets import data_versions_visible_to, registrations_visible_to
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.registrations import request_data_set, request_model


class DataSetVersionOut(serializers.ModelSerializer[DataSetVersion]):
    """A version of a data set, read only."""

    project = serializers.SlugField(source="data_set.project.slug")
    name = serializers.CharField(source="data_set.name")
    licence = serializers.CharField(source="data_set.licence")
    owner = serializers.CharField(source="data_set.owner")
    schema = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))

    class Meta:
        model = DataSetVersion
        fields: ClassVar = [
            "id", "project", "name", "number", "method", "digest", "file_digest", "rows", "size", "schema",
            "uri", "query", "licence", "owner", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class RegistrationOut(serializers.ModelSerializer[Registration]):
    """A registration, read only."""

    project = serializers.SlugField(source="project.slug")
    requested_by = serializers.CharField(source="requested_by.name", default=None, allow_null=True)
    model = serializers.IntegerField(source="model_version.number", default=None, allow_null=True)
    model_digest = serializers.CharField(source="model_version.digest", default=None, allow_null=True)
    data_set = DataSetVersionOut(source="data_version", allow_null=True)
    spec = serializers.DictField()

    class Meta:
        model = Registration
        fields: ClassVar = [
            "id", "project", "kind", "uri", "spec", "state", "progress", "step", "error", "model",
            "model_digest", "data_set", "requested_by", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class RegistrationIn(serializers.Serializer[Any]):
    """What is to be named: a model by its address, or a table by a specification."""

    project = serializers.SlugField(max_length=60)
    kind = serializers.ChoiceField(choices=Registration.Kind.choices)
    uri = serializers.CharField(max_length=2000, required=False, help_text="of a model")
    spec = serializers.DictField(required=False, help_text="of a data set; docs/evidence.md says what it has")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A model has an address, a data set a specification, and neither has both."""
        wanted, other = ("uri", "spec") if attrs["kind"] == Registration.Kind.MODEL else ("spec", "uri")
        if wanted not in attrs:
            raise serializers.ValidationError({wanted: "This is needed for this kind."})
        if other in attrs:
            raise serializers.ValidationError({other: "This does not go with this kind."})
        return attrs


class RegistrationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Registration]
):
    """Registrations: list, detail, and asking for one."""

    serializer_class = RegistrationOut
    queryset = Registration.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Registration]:
        """Those of the projects that the person sees. 1 query a page."""
        found = registrations_visible_to(person_asking(self.request))
        return found.select_related("data_version__data_set__project")

    @extend_schema(
        request=RegistrationIn,
        responses={202: RegistrationOut},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER,
                description="the same key asks once, however often it is sent",
            )
        ],
    )  # fmt: skip
    def create(self, request: Request) -> Response:
        """Ask to have a model or data set named. It is queued when this answers."""
        asked = RegistrationIn(data=request.data)
        asked.is_valid(raise_exception=True)
        actor, data = person_asking(request), asked.validated_data
        project = get_object_or_404(projects_visible_to(actor), slug=data["project"])
        key = idempotency_key(request)
        if data["kind"] == Registration.Kind.MODEL:
            made = request_model(project=project, uri=data["uri"], actor=actor, key=key)
        else:
            made = request_data_set(project=project, spec=data["spec"], actor=actor, key=key)
        return Response(RegistrationOut(made).data, status=status.HTTP_202_ACCEPTED)


class DataSetsAsked(serializers.Serializer[Any]):
    """What the list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    name = serializers.CharField(max_length=500, required=False)
    digest = serializers.CharField(max_length=500, required=False)


@extend_schema_view(list=extend_schema(parameters=[DataSetsAsked]))
class DataSetViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[DataSetVersion]
):
    """Versions of data sets."""

    serializer_class = DataSetVersionOut
    queryset = DataSetVersion.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[DataSetVersion]:
        """Those of the projects that the person sees. 1 query a page."""
        found = data_versions_visible_to(person_asking(self.request))
        if self.action != "list":
            return found
        asked = DataSetsAsked(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"project": "data_set__project__slug", "name": "data_set__name", "digest": "digest"}
        return found.filter(**{fields[name]: value for name, value in asked.validated_data.items()})
