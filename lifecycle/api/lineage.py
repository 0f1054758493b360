"""`/api/v1/lineage` and `/api/v1/lineage/batch`: OpenLineage 2-0-2, for stock clients."""

from collections import defaultdict
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger.errors import GatebookError
from lifecycle.api.asking import person_asking
from lifecycle.api.intake import project_of
from lifecycle.errors import Invalid, Refused
from lifecycle.intake.openlineage_events import LineageFact, read_event
from lifecycle.models import Project
from lifecycle.services.lineage_intake import record_lineage

MOST_EVENTS = 1_000
EVENT = {
    "application/json": {
        "type": "object",
        "description": "An OpenLineage RunEvent, JobEvent or DatasetEvent of specification 1 or 2.",
        "required": ["eventTime", "producer", "schemaURL"],
        "properties": {
            "eventTime": {"type": "string", "format": "date-time"},
            "producer": {"type": "string"},
            "schemaURL": {"type": "string"},
        },
    }
}
EVENTS = {"application/json": {"type": "array", "maxItems": MOST_EVENTS, "items": EVENT["application/json"]}}


class FailedEventOut(serializers.Serializer[Any]):
    """An event that was not kept, and whether sending it again can help."""

    index = serializers.IntegerField()
    reason = serializers.CharField()
    retriable = serializers.BooleanField()


class SummaryOut(serializers.Serializer[Any]):
    """How many events."""

    received = serializers.IntegerField()
    successful = serializers.IntegerField()
    failed = serializers.IntegerField()
    retriable = serializers.IntegerField()
    non_retriable = serializers.IntegerField()


class LineageBatchOut(serializers.Serializer[Any]):
    """What became of a batch of events."""

    status = serializers.ChoiceField(choices=["success", "partial_success", "failure"])
    summary = SummaryOut()
    failed_events = FailedEventOut(many=True)


class LineageView(APIView):
    """One event."""

    required_scopes: ClassVar[tuple[str, ...]] = ("write", "intake")

    @extend_schema(request=EVENT, responses={204: None})
    def post(self, request: Request) -> Response:
        """Keep an event and record its run. Sent again it changes nothing."""
        fact = read_event(request.data)
        done = record_lineage(project=_project(request, fact), facts=[fact], actor=person_asking(request))
        for no in done.refused.values():
            raise no
        return Response(status=status.HTTP_204_NO_CONTENT)


class LineageBatchView(APIView):
    """Many events."""

    required_scopes: ClassVar[tuple[str, ...]] = ("write", "intake")

    @extend_schema(request=EVENTS, responses={200: LineageBatchOut})
    def post(self, request: Request) -> Response:
        """Keep up to 1,000 events; those that are refused do not hold up the others."""
        events = request.data
        if not isinstance(events, list):
            raise Invalid("not_a_list", _("A batch is a JSON list of events."))
        if len(events) > MOST_EVENTS:
            raise Invalid("too_many", _("A batch has at most %(most)d events.") % {"most": MOST_EVENTS})
        failed: dict[int, tuple[str, bool]] = {}
        for project, places in _sorted(request, events, failed).items():
            _record(request, project, places, failed)
        return Response(_answer(len(events), failed))


def _project(request: Request, fact: LineageFact) -> Project:
    """The token's project, the one of `?project=`, or the one that the namespace is called after."""
    try:
        return project_of(request, where="/job/namespace")
    except Invalid as no:
        if no.code != "no_project":
            raise
    try:
        return project_of(request, fact.namespace[:61], where="/job/namespace")
    except Http404 as error:
        text = _(
            "No project is known for this event: use a token for one project, ?project=, or its name as the "
            "namespace."
        )
        raise Invalid("no_project", text, "/job/namespace") from error


def _sorted(
    request: Request, events: list[Any], failed: dict[int, tuple[str, bool]]
) -> dict[Project, list[tuple[int, LineageFact]]]:
    found: dict[Project, list[tuple[int, LineageFact]]] = defaultdict(list)
    projects: dict[str, Project] = {}
    for at, item in enumerate(events):
        try:
            fact = read_event(item, f"/{at}")
            if fact.namespace not in projects:
                projects[fact.namespace] = _project(request, fact)
            found[projects[fact.namespace]].append((at, fact))
        except (GatebookError, PermissionDenied) as no:
            failed[at] = (str(no), False)
    return found


def _record(
    request: Request,
    project: Project,
    places: list[tuple[int, LineageFact]],
    failed: dict[int, tuple[str, bool]],
) -> None:
    facts = [fact for _at, fact in places]
    try:
        done = record_lineage(project=project, facts=facts, actor=person_asking(request))
    except (GatebookError, PermissionDenied) as no:
        failed |= {at: (str(no), isinstance(no, Refused)) for at, _fact in places}
    except OperationalError:  # the database is busy or away: nothing is wrong with the events
        failed |= {at: (_("The database did not answer in time."), True) for at, _fact in places}
    else:
        failed |= {places[at][0]: (str(no), False) for at, no in done.refused.items()}


def _answer(count: int, failed: dict[int, tuple[str, bool]]) -> dict[str, Any]:
    again = sum(retriable for _reason, retriable in failed.values())
    return {
        "status": "success" if not failed else "failure" if len(failed) == count else "partial_success",
        "summary": {
            "received": count,
            "successful": count - len(failed),
            "failed": len(failed),
            "retriable": again,
            "non_retriable": len(failed) - again,
        },
        "failed_events": [
            {"index": at, "reason": reason, "retriable": retriable}
            for at, (reason, retriable) in sorted(failed.items())
        ],
    }
