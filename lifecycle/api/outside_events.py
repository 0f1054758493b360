"""`/api/v1/cloudevents/` (CloudEvents 1.0 in three modes) and `/api/v1/evidently/`."""

from collections.abc import Mapping
from typing import IO, Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from lifecycle.api.asking import person_asking
from lifecycle.api.bodies import StrictJSONParser, read_body
from lifecycle.api.intake import project_of
from lifecycle.errors import Invalid
from lifecycle.intake.cloud_events import read_binary, read_structured
from lifecycle.intake.strict_json import read_json
from lifecycle.services.event_intake import take_events
from lifecycle.services.evidently_intake import record_evidently

_FOR = "unless the token is for one project"
PROJECT = OpenApiParameter("project", OpenApiTypes.STR, description=_FOR)
_OBJECT = {"type": "object"}


class StructuredParser(StrictJSONParser):
    """One event, attributes and data."""

    media_type = "application/cloudevents+json"


class BatchParser(StrictJSONParser):
    """A list of events."""

    media_type = "application/cloudevents-batch+json"


class EvidentlyParser(StrictJSONParser):
    """JSON as Python writes it: NaN and Infinity, which it has no other words for, become texts."""

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The value that the body holds."""
        request = (parser_context or {})["request"]
        return read_json(read_body(stream, request.headers), constants=True)


class TakenOut(serializers.Serializer[Any]):
    """What became of one event."""

    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    outcome = serializers.ChoiceField(choices=["taken", "duplicate", "superseded"])


class EvidentlyOut(serializers.Serializer[Any]):
    """The monitoring run that a document became."""

    id = serializers.IntegerField()
    external_id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["created", "updated", "changed", "unchanged"])
    digest = serializers.CharField()


class CloudEventsView(APIView):
    """CloudEvents 1.0: binary, structured and batch mode."""

    required_scopes: ClassVar[tuple[str, ...]] = ("write", "intake")
    parser_classes = [StrictJSONParser, StructuredParser, BatchParser]

    @extend_schema(
        request={
            "application/json": _OBJECT,
            "application/cloudevents+json": _OBJECT,
            "application/cloudevents-batch+json": {"type": "array", "items": _OBJECT},
        },
        responses={200: TakenOut(many=True)},
        parameters=[PROJECT],
    )
    def post(self, request: Request) -> Response:
        """Take events, each once by its source and id; all of a batch or none."""
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        data = request.data
        if kind == BatchParser.media_type:
            if not isinstance(data, list):
                raise Invalid("not_a_list", _("A batch is a JSON list of events."))
            if len(data) > 1_000:
                raise Invalid("too_many", _("A batch has at most %(most)d events.") % {"most": 1_000})
            events = [read_structured(item, f"/{at}") for at, item in enumerate(data)]
        elif kind == StructuredParser.media_type:
            events = [read_structured(data)]
        else:
            events = [read_binary(request.headers, data)]
        names = {event.project for event in events}
        if len(names) > 1:
            raise Invalid("many_projects", _("The events of one batch are for one project."), "/1/project")
        project = project_of(request, names.pop() if names else "")
        done = take_events(project=project, events=events, actor=person_asking(request))
        return Response(
            [{"id": each.event.id, "source": each.event.source, "outcome": each.outcome} for each in done]
        )


class EvidentlyAsked(serializers.Serializer[Any]):
    """What is said of a document beside it."""

    project = serializers.CharField(max_length=60, required=False, help_text=_FOR)
    title = serializers.CharField(max_length=300, required=False, default="")
    external_id = serializers.CharField(max_length=200, required=False, default="")
    at = serializers.DateTimeField(required=False, help_text="when it was made")
    model = serializers.RegexField(r"^[0-9a-f]{64}$", required=False, default="", help_text="SHA-256")
    task = serializers.RegexField(r"^[\w.-]{1,20}$", required=False)


class EvidentlyView(APIView):
    """What Evidently wrote."""

    required_scopes: ClassVar[tuple[str, ...]] = ("write", "intake")
    parser_classes = [EvidentlyParser]

    @extend_schema(
        request={"application/json": _OBJECT},
        parameters=[EvidentlyAsked],
        responses={200: EvidentlyOut, 201: EvidentlyOut},
    )
    def post(self, request: Request) -> Response:
        """Record a snapshot, report or test suite as a monitoring run: 201, or 200 if it was there before."""
        asked = EvidentlyAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        kept = record_evidently(
            project=project_of(request), document=request.data, actor=person_asking(request),
            title=said["title"], external_id=said["external_id"], at=said.get("at"),
            model_digest=said["model"], task=said.get("task"),
        )  # fmt: skip
        new = kept.outcome == "created"
        return Response(
            {
                "id": kept.run_id,
                "external_id": kept.external_id,
                "outcome": kept.outcome,
                "digest": kept.digest,
            },
            status=status.HTTP_201_CREATED if new else status.HTTP_200_OK,
        )
