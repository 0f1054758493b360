"""`/api/v1/runs/`: what ran, and asking for more."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.api.run_batches import RunBatchIn, RunBatchOut, keep_batch
from lifecycle.api.run_lists import RunPages, found_for, listed
from lifecycle.api.tokens import scopes
from lifecycle.errors import Invalid
from lifecycle.models import Iteration, ModelVersion, Project, Run, Task
from lifecycle.queries.projects import projects_visible_to
from lifecycle.services.runs import REQUESTS

KINDS_TO_ASK_FOR = [(kind.value, kind.label) for kind in Run.Kind if kind.value in REQUESTS]
LONGEST_KEY = 100
NEED_MODEL = (Run.Kind.EVALUATION,)
TAKE_MODEL = (Run.Kind.EVALUATION, Run.Kind.MONITORING)


class RunOut(serializers.ModelSerializer[Run]):
    """A run in a list, read only."""

    project = serializers.SlugField(source="project.slug")
    iteration = serializers.IntegerField(source="iteration.number", default=None, allow_null=True)
    task = serializers.CharField(source="task.key", default=None, allow_null=True)
    model_digest = serializers.CharField(source="model_version.digest", default=None, allow_null=True)
    started_by = serializers.CharField(source="started_by.name", default=None, allow_null=True)
    content_digest = serializers.CharField(allow_null=True, help_text="SHA-256 of what its source said last")

    class Meta:
        model = Run
        fields: ClassVar = [
            "id", "project", "iteration", "task", "kind", "title", "source", "state", "progress", "step",
            "attempts", "error", "spec_digest", "model_digest", "started_by", "created_at",
            "started_at", "finished_at", "external_id", "parent_external_id", "url", "content_digest",
            "deleted_at_source",
        ]  # fmt: skip
        read_only_fields = fields


class RunDetailOut(RunOut):
    """A run with what it was asked and what came out."""

    spec = serializers.DictField()
    record = serializers.DictField()

    class Meta(RunOut.Meta):
        fields: ClassVar = [*RunOut.Meta.fields, "spec", "record"]
        read_only_fields = fields


class RunIn(serializers.Serializer[Any]):
    """A request for a run; checks the shape only, the specification is judged by its executor."""

    project = serializers.SlugField(max_length=60)
    kind = serializers.ChoiceField(choices=KINDS_TO_ASK_FOR)
    title = serializers.CharField(max_length=300)
    spec = serializers.DictField()
    iteration = serializers.IntegerField(
        min_value=1, max_value=1_000_000, required=False, help_text="its number; the open one if left out"
    )
    task = serializers.RegexField(
        r"^[\w.-]{1,20}$", required=False, help_text="key of a task of the iteration"
    )
    model_digest = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, help_text="SHA-256; needed for an evaluation"
    )


class RunsAsked(serializers.Serializer[Any]):
    """What a list may be narrowed to."""

    project = serializers.SlugField(max_length=60, required=False)
    kind = serializers.ChoiceField(choices=Run.Kind.choices, required=False)
    state = serializers.ChoiceField(choices=Run.State.choices, required=False)
    source = serializers.CharField(max_length=40, required=False)  # type: ignore[assignment]
    name = serializers.CharField(max_length=300, required=False, help_text="what the title begins with")
    since = serializers.DateTimeField(required=False, help_text="began then or later")
    until = serializers.DateTimeField(required=False, help_text="began before")
    metric = serializers.RegexField(
        r"^[^<>=]{1,250}(<=|>=|<|>)-?[0-9.eE+-]{1,30}$", required=False,
        help_text="such as rmse<0.3; looks at the newest 2,000 runs that fit otherwise",
    )  # fmt: skip
    parameter = serializers.RegexField(
        r"^[^=]{1,250}=.{0,500}$", required=False,
        help_text="such as depth=3; looks at the newest 2,000 runs that fit otherwise",
    )  # fmt: skip
    before = serializers.IntegerField(
        min_value=1, max_value=2**62, required=False, help_text="runs with a lower id: to search further back"
    )


class RunViewSet(mixins.RetrieveModelMixin, viewsets.GenericViewSet[Run]):
    """Runs: list, detail, and a request for a new one."""

    serializer_class = RunOut
    pagination_class = RunPages
    queryset = Run.objects.none()
    lookup_value_regex = "[0-9]{1,18}"

    @property
    def required_scopes(self) -> tuple[str, ...]:
        """A token that only sends runs may send them here, and read nothing."""
        return scopes(self.request.method, intake=self.action in ("create", "upsert"))

    def get_queryset(self) -> QuerySet[Run]:
        """The runs of the projects that the person sees. 1 query."""
        visible = projects_visible_to(person_asking(self.request))
        return Run.objects.filter(project__in=visible.values("pk")).select_related(
            "project", "iteration", "task", "model_version", "started_by"
        )

    def get_serializer_class(self) -> type[serializers.BaseSerializer[Run]]:
        """Lists leave out specification and record."""
        return RunOut if self.action == "list" else RunDetailOut

    @extend_schema(parameters=[RunsAsked])
    def list(self, request: Request) -> Response:
        """Runs, newest first: as they came in, or by when they began if `since` or `until` is given.

        A search by metric or parameter opens the newest 2,000 that fit otherwise; `next` goes on behind them.
        """
        asked = RunsAsked(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return listed(found_for(person_asking(request), asked.validated_data), request, self)

    @extend_schema(
        request=RunIn,
        responses={201: RunDetailOut},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="the same key and specification give the same run, however often it is sent",
            )
        ],
    )
    def create(self, request: Request) -> Response:
        """Ask for a run. It is queued when this answers; its state says how it goes on.

        With `runs` in place of `spec` it is the batch that `PUT` takes, for clients that only post.
        """
        if isinstance(request.data, dict) and "runs" in request.data:
            return keep_batch(request)
        asked = RunIn(data=request.data)
        asked.is_valid(raise_exception=True)
        actor, data = person_asking(request), asked.validated_data
        project = get_object_or_404(projects_visible_to(actor), slug=data["project"])
        iteration = _iteration(project, data.get("iteration"))
        run = REQUESTS[data["kind"]](
            project=project,
            iteration=iteration,
            task=_task(iteration, data.get("task")),
            title=data["title"],
            spec=data["spec"],
            model_version=_model_version(project, data["kind"], data.get("model_digest")),
            actor=actor,
            once=idempotency_key(request),
        )
        return Response(RunDetailOut(run).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=RunBatchIn,
        responses={200: RunBatchOut},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                OpenApiTypes.STR,
                OpenApiParameter.HEADER,
                description="the same key and body give the same answer for 7 days; another body is a 409",
            )
        ],
    )
    def upsert(self, request: Request) -> Response:
        """Record up to 1,000 runs that happened elsewhere: all of them or none, each once."""
        return keep_batch(request)


def idempotency_key(request: Request) -> str:
    """The key that was sent along; empty without one. `Invalid` for one that cannot be kept."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > LONGEST_KEY or not key.isprintable():
        text = _("An idempotency key has at most %(most)d printable characters.") % {"most": LONGEST_KEY}
        raise Invalid("bad_key", text, "Idempotency-Key")
    return key


def _iteration(project: Project, number: int | None) -> Iteration | None:
    if number is None:
        return Iteration.objects.filter(project=project, state=Iteration.State.OPEN).first()
    iteration = Iteration.objects.filter(project=project, number=number).first()
    if iteration is None:
        text = _("The project has no iteration %(number)d.") % {"number": number}
        raise Invalid("unknown_iteration", text, "/iteration")
    return iteration


def _task(iteration: Iteration | None, key: str | None) -> Task | None:
    if not key:
        return None
    task = Task.objects.select_related("phase").filter(phase__iteration=iteration, key=key).first()
    if task is None:
        raise Invalid("unknown_task", _("The iteration has no task “%(key)s”.") % {"key": key}, "/task")
    return task


def _model_version(project: Project, kind: str, digest: str | None) -> ModelVersion | None:
    if digest is None:
        if kind in NEED_MODEL:
            raise Invalid("model_missing", _("Say which model is looked at."), "/model_digest")
        return None
    if kind not in TAKE_MODEL:
        raise Invalid("model_not_needed", _("This kind of run looks at no model."), "/model_digest")
    version = ModelVersion.objects.filter(project=project, digest=digest).first()
    if version is None:
        raise Invalid("unknown_model", _("The project has no model with this digest."), "/model_digest")
    return version
