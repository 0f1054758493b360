"""`/api/v1/test-sets/`: test sets under lock, and locking another."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.models import TestSet, TestSetUse
from lifecycle.queries.projects import projects_visible_to
from lifecycle.queries.test_sets import test_sets_visible_to
from lifecycle.services.test_sets import MOST_USES, lock_test_set


class TestSetUseOut(serializers.ModelSerializer[TestSetUse]):
    """One evaluation on a test set."""

    run = serializers.IntegerField(source="run_id")

    class Meta:
        model = TestSetUse
        fields: ClassVar = ["number", "run", "used_at"]
        read_only_fields = fields


class TestSetOut(serializers.ModelSerializer[TestSet]):
    """A test set under lock, read only."""

    project = serializers.SlugField(source="project.slug")
    locked_by = serializers.CharField(source="locked_by.name", default=None, allow_null=True)
    data = serializers.DictField()  # type: ignore[assignment]
    used_by = TestSetUseOut(many=True)

    class Meta:
        model = TestSet
        fields: ClassVar = [
            "id", "project", "name", "version", "data", "sha256", "max_uses", "uses", "state", "locked_by",
            "locked_at", "used_by",
        ]  # fmt: skip
        read_only_fields = fields


class TestSetIn(serializers.Serializer[Any]):
    """A test set to be locked; the same name makes the next version."""

    project = serializers.SlugField(max_length=60)
    name = serializers.SlugField(max_length=60)
    data = serializers.DictField(help_text="uri, format and where, as a specification names data")  # type: ignore[assignment]
    max_uses = serializers.IntegerField(min_value=1, max_value=MOST_USES)


class TestSetsAsked(serializers.Serializer[Any]):
    """What the list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    name = serializers.SlugField(max_length=60, required=False)
    state = serializers.ChoiceField(choices=TestSet.State.choices, required=False)


@extend_schema_view(list=extend_schema(parameters=[TestSetsAsked]))
class TestSetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[TestSet]):
    """Test sets: list, detail, and locking one."""

    serializer_class = TestSetOut
    queryset = TestSet.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[TestSet]:
        """Those of the projects that the person sees. 2 queries a page."""
        found = test_sets_visible_to(person_asking(self.request))
        if self.action != "list":
            return found
        asked = TestSetsAsked(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        fields = {"project": "project__slug", "name": "name", "state": "state"}
        return found.filter(**{fields[name]: value for name, value in asked.validated_data.items()})

    @extend_schema(request=TestSetIn, responses={201: TestSetOut})
    def create(self, request: Request) -> Response:
        """Put rows under lock: evaluations on them are counted, and nobody trains on them."""
        asked = TestSetIn(data=request.data)
        asked.is_valid(raise_exception=True)
        actor, said = person_asking(request), asked.validated_data
        project = get_object_or_404(projects_visible_to(actor), slug=said.pop("project"))
        made = lock_test_set(project=project, actor=actor, **said)
        return Response(TestSetOut(made).data, status=status.HTTP_201_CREATED)
