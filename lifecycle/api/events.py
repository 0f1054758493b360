"""`/api/v1/projects/<slug>/events/`: what other systems say has happened."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.models import Firing, ReportedEvent
from lifecycle.queries.notices import events_visible_to
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.incidents import report_event


class FiredOut(serializers.ModelSerializer[Firing]):
    """What an event fired, read only."""

    trigger = serializers.CharField(source="trigger.key")

    class Meta:
        model = Firing
        fields: ClassVar = ["id", "trigger", "state", "summary", "outcome", "fired_at"]
        read_only_fields = fields


class EventOut(serializers.ModelSerializer[ReportedEvent]):
    """A reported event, read only."""

    event = serializers.DictField()
    reported_by = serializers.CharField(source="reported_by.name")

    class Meta:
        model = ReportedEvent
        fields: ClassVar = ["id", "kind", "key", "event", "reported_by", "reported_at"]
        read_only_fields = fields


class EventReportedOut(EventOut):
    """A reported event with what it fired."""

    firings = serializers.SerializerMethodField()

    class Meta(EventOut.Meta):
        fields: ClassVar = [*EventOut.Meta.fields, "firings"]
        read_only_fields = fields

    @extend_schema_field(FiredOut(many=True))
    def get_firings(self, event: ReportedEvent) -> Any:
        """Put beside the event by the view."""
        return FiredOut(self.context.get("firings", []), many=True).data


class EventIn(serializers.Serializer[Any]):
    """A report; the event's own keys are checked by kind."""

    kind = serializers.ChoiceField(choices=ReportedEvent.Kind.choices)
    key = serializers.CharField(
        max_length=100, help_text="the reporter's own name of the event: sent again, it is reported once"
    )
    event = serializers.DictField(help_text="see docs/notices.md for the keys of each kind")


class EventList(generics.ListAPIView[ReportedEvent]):
    """The events of a project: list, and report one more."""

    serializer_class = EventOut
    queryset = ReportedEvent.objects.none()

    def get_queryset(self) -> QuerySet[ReportedEvent]:
        """Those of the project, if the person sees it. 1 query."""
        user = person_asking(self.request)
        project = get_object_or_404(projects_visible_to(user), slug=self.kwargs["slug"])
        return events_visible_to(user).filter(project=project)

    @extend_schema(request=EventIn, responses={200: EventReportedOut, 201: EventReportedOut})
    def post(self, request: Request, slug: str) -> Response:
        """Report an event and have the triggers see it: 201, or 200 if it was reported before."""
        asked = EventIn(data=request.data)
        asked.is_valid(raise_exception=True)
        actor = person_asking(request)
        project = get_object_or_404(projects_visible_to(actor), slug=slug)
        done = report_event(project=project, actor=actor, **asked.validated_data)
        out = EventReportedOut(done.report, context={"firings": done.firings})
        return Response(out.data, status=status.HTTP_201_CREATED if done.created else status.HTTP_200_OK)
