"""`/api/v1/frameworks/`: what projects may be measured by; adding one in our own form or as OSCAL."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.models import Framework
from governance.oscal.reading import read_document
from governance.queries.compliance import document_of
from governance.queries.oscal import framework_catalog
from governance.services.frameworks import add_framework
from lifecycle.api.asking import person_asking
from lifecycle.api.bodies import read_body

_VERSION = OpenApiParameter("version", OpenApiTypes.STR, description="none: the current one")
_DOCUMENT = {"application/json": {"type": "object"}, "application/yaml": {"type": "object"}}


class FrameworkOut(serializers.ModelSerializer[Framework]):
    """A framework in one version."""

    class Meta:
        model = Framework
        fields = ("key", "version", "title", "kind", "source", "digest", "current", "added_at")


class FrameworkParser(BaseParser):
    """A framework as JSON or YAML, whatever the content type says: the first character tells."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The document as plain data."""
        return read_document(read_body(stream, (parser_context or {})["request"].headers))


class FrameworkList(APIView):
    """All frameworks, and adding one."""

    permission_classes = (IsAuthenticated,)
    parser_classes = (FrameworkParser,)

    @extend_schema(operation_id="frameworks", responses=FrameworkOut(many=True))
    def get(self, request: Request) -> Response:
        """Every version of every framework, the current one of each first. 1 query."""
        person_asking(request)
        found = Framework.objects.defer("document").order_by("key", "-current", "-added_at", "-pk")
        return Response(FrameworkOut(found, many=True).data)

    @extend_schema(
        operation_id="framework_add",
        request=_DOCUMENT,
        parameters=[
            OpenApiParameter("key", OpenApiTypes.STR, description="of an OSCAL catalog or profile"),
            OpenApiParameter("kind", OpenApiTypes.STR, enum=Framework.Kind.values),
        ],
        responses={201: FrameworkOut},
    )
    def post(self, request: Request) -> Response:
        """Add a framework or another version of one: our own form, an OSCAL catalog or an OSCAL profile."""
        asked = request.query_params
        added = add_framework(
            data=request.data, actor=person_asking(request), key=asked.get("key", ""),
            kind=asked.get("kind", ""),
        )  # fmt: skip
        return Response(FrameworkOut(added).data, status=HTTPStatus.CREATED)


class FrameworkDetail(APIView):
    """One framework as a document."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="framework", parameters=[_VERSION], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, key: str) -> Response:
        """Groups and controls, in the form in which a framework is added. 2 queries."""
        document = document_of(_framework(request, key))
        return Response(document.model_dump(mode="json", exclude_defaults=True))


class FrameworkCatalog(APIView):
    """One framework as OSCAL."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="framework_oscal", parameters=[_VERSION], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, key: str) -> Response:
        """The OSCAL catalog. 2 queries."""
        return Response(framework_catalog(_framework(request, key)))


def _framework(request: Request, key: str) -> Framework:
    person_asking(request)
    version = request.query_params.get("version", "").replace("\0", "")
    chosen = {"version": version} if version else {"current": True}
    return get_object_or_404(Framework.objects.defer("document"), key=key, **chosen)
