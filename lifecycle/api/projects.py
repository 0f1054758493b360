"""`/api/v1/projects/`: the projects that the asking person sees."""

from typing import ClassVar

from django.db.models import QuerySet
from rest_framework import serializers, viewsets

from lifecycle.api.asking import person_asking
from lifecycle.models import Project
from lifecycle.queries.projects import projects_visible_to


class ProjectOut(serializers.ModelSerializer[Project]):
    """A project, read only."""

    process = serializers.CharField(source="process_version.process.key")
    process_version = serializers.IntegerField(source="process_version.number")
    process_digest = serializers.CharField(source="process_version.digest")
    created_by = serializers.CharField(source="created_by.name")

    class Meta:
        model = Project
        fields: ClassVar = [
            "slug", "name", "purpose", "risk_class", "risk_appetite", "state", "process", "process_version",
            "process_digest", "created_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class ProjectViewSet(viewsets.ReadOnlyModelViewSet[Project]):
    """Projects: list and detail."""

    serializer_class = ProjectOut
    queryset = Project.objects.none()
    lookup_field = "slug"
    lookup_value_regex = "[a-z0-9][a-z0-9-]{0,59}"

    def get_queryset(self) -> QuerySet[Project]:
        """Only what the person sees, so that a stranger's project is a 404."""
        return projects_visible_to(person_asking(self.request))
