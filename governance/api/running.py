"""`/api/v1/running/`: what was seen running, and what a cluster runs handed in."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from governance.models import Sighting
from governance.queries.pages_running import sightings_visible_to
from governance.services.handing_in import MOST, hand_in
from lifecycle.api.asking import person_asking
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.idempotency import once

_KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER,
    description="the same key acts once, however often it is sent",
)  # fmt: skip


class RunningIn(serializers.Serializer[Any]):
    """What a cluster runs."""

    cluster = serializers.CharField(max_length=100)
    project = serializers.SlugField(max_length=60, required=False)
    complete = serializers.BooleanField(
        default=False, help_text="that is all; what else was seen in this cluster (and project) is gone"
    )
    objects = serializers.ListField(
        child=serializers.DictField(), max_length=MOST,
        help_text="Kubernetes objects as they are, and lists of them",
    )  # fmt: skip


class SightingOut(serializers.ModelSerializer[Sighting]):
    """A model that was seen somewhere."""

    project = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True, allow_null=True)

    class Meta:
        model = Sighting
        fields = (
            "id", "project", "source", "where", "what", "digest", "environment", "scope", "state", "reason",
            "authorization", "finding", "first_seen_at", "last_seen_at", "changed_at",
        )  # fmt: skip


class RunningOut(serializers.Serializer[Any]):
    """What became of what was handed in."""

    seen = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="how many are not as they were, or gone")
    unauthorized = serializers.IntegerField()
    sightings = SightingOut(many=True)


class RunningAsked(serializers.Serializer[Any]):
    """What the list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    environment = serializers.CharField(max_length=60, required=False)
    state = serializers.ChoiceField(choices=Sighting.State.choices, required=False)


@extend_schema_view(list=extend_schema(parameters=[RunningAsked]))
class RunningViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Sighting]):
    """What runs, compared with what is authorized."""

    serializer_class = SightingOut
    queryset = Sighting.objects.none()

    def get_queryset(self) -> QuerySet[Sighting]:
        """Of the projects that the person sees. 1 query a page."""
        asked = RunningAsked(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"project": "project__slug", "environment": "environment", "state": "state"}
        found = sightings_visible_to(person_asking(self.request))
        return found.filter(**{fields[name]: value for name, value in asked.validated_data.items()})

    @extend_schema(request=RunningIn, responses=RunningOut, parameters=[_KEY])
    def create(self, request: Request) -> Response:
        """Hand in what a cluster runs; answers with the verdict on each model in it."""
        asked, actor = RunningIn(data=request.data), person_asking(request)
        asked.is_valid(raise_exception=True)
        data = dict(asked.validated_data)
        slug = data.pop("project", "")
        project = get_object_or_404(projects_visible_to(actor), slug=slug) if slug else None

        def work() -> dict[str, Any]:
            done = hand_in(actor=actor, project=project, **data)
            rows = Sighting.objects.filter(key__in=done.keys).select_related("project").order_by("pk")
            listed = SightingOut(rows, many=True).data
            bad = sum(each["state"] == Sighting.State.UNAUTHORIZED for each in listed)
            return {
                "seen": done.noted.seen, "changed": len(done.noted.changed), "unauthorized": bad,
                "sightings": [dict(each) for each in listed],
            }  # fmt: skip

        said = json.dumps(request.data, sort_keys=True)
        key = request.headers.get("Idempotency-Key", "")
        return Response(once(user=actor, key=key, request=f"running\n{said}".encode(), work=work))
