"""`/api/v1/projects/{slug}/compliance/{key}/control-tasks/`: gaps turned into tasks with owners."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.compliance import ControlTaskOut, project_asked, use_asked
from governance.errors import Invalid
from governance.models import ControlTask, FrameworkUse
from governance.queries.compliance import document_of
from governance.queries.control_tasks import (
    control_task_data,
    control_tasks_data,
    control_tasks_visible_to,
    places_for,
)
from governance.rules.gates import may_manage
from governance.services.control_tasks import close_control_task, drop_control_task, open_control_task
from lifecycle.api.asking import person_asking
from lifecycle.models import Phase, Task
from lifecycle.queries.projects import members_of

MOST = 500


class ControlTaskIn(serializers.Serializer[Any]):
    """Who closes a gap, until when, and where: an open task, or a phase for a new one."""

    control = serializers.CharField(max_length=100)
    owner = serializers.CharField(max_length=150, help_text="user name of a member")
    due_on = serializers.DateField()
    task = serializers.IntegerField(required=False, allow_null=True, default=None)
    phase = serializers.CharField(required=False, allow_blank=True, default="", max_length=20)


class DropIn(serializers.Serializer[Any]):
    """Why the task is there for the control no longer; a reason is needed to drop it, not to close it."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=10_000)


class ControlTaskList(APIView):
    """The tasks for gaps of one framework."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="control_tasks",
        parameters=[OpenApiParameter("state", OpenApiTypes.STR, enum=ControlTask.State.values)],
        responses=ControlTaskOut(many=True),
    )
    def get(self, request: Request, slug: str, key: str) -> Response:
        """The last 500, also those that are over; `state` narrows them."""
        use = use_asked(project_asked(request, slug), key)
        found = control_tasks_visible_to(person_asking(request))
        found = found.filter(project=use.project, framework_key=use.framework.key)
        state = request.query_params.get("state", "")
        if state in ControlTask.State.values:
            found = found.filter(state=state)
        return Response(control_tasks_data(found.order_by("-opened_at", "-pk")[:MOST]))

    @extend_schema(operation_id="control_task_open", request=ControlTaskIn, responses={201: ControlTaskOut})
    def post(self, request: Request, slug: str, key: str) -> Response:
        """Have a gap closed by somebody until a day. Managers may."""
        person = person_asking(request)
        use = use_asked(project_asked(request, slug), key)
        if not may_manage(person, use.project):
            raise PermissionDenied
        given = ControlTaskIn(data=request.data)
        given.is_valid(raise_exception=True)
        told = given.validated_data
        members = {place.user.username: place.user for place in members_of(use.project)}
        if told["owner"] not in members:
            raise Invalid("not_member", _("Nobody of the project has this name."), "owner")
        made = open_control_task(
            use=use, control=told["control"], actor=person, owner=members[told["owner"]],
            due_on=told["due_on"], place=_place(use, told),
        )  # fmt: skip
        return Response(_data(request, made), status=HTTPStatus.CREATED)


class ControlTaskAct(APIView):
    """The end of one task for a gap."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="control_task_act", request=DropIn, responses=ControlTaskOut)
    def post(self, request: Request, slug: str, key: str, pk: int, act: str) -> Response:
        """`close` it once the control is met, or `drop` it with a reason."""
        person = person_asking(request)
        project = project_asked(request, slug)
        visible = control_tasks_visible_to(person).filter(project=project, framework_key=key)
        found = get_object_or_404(visible, pk=pk)
        if act == "close":
            close_control_task(control_task=found, actor=person)
        elif act == "drop":
            if not may_manage(person, project):
                raise PermissionDenied
            given = DropIn(data=request.data)
            given.is_valid(raise_exception=True)
            drop_control_task(control_task=found, actor=person, **given.validated_data)
        else:
            raise Http404
        return Response(_data(request, found))


def _place(use: FrameworkUse, told: dict[str, Any]) -> Task | Phase:
    """The task or phase that was named. Raises `Invalid` for none, both, or one that there is not."""
    control = document_of(use.framework).control(told["control"])
    if control is None:
        words = {"id": told["control"], "framework": use.framework}
        raise Invalid("control_unknown", _("%(framework)s has no control “%(id)s”.") % words, "control")
    places = places_for(use.project, control)
    tasks: dict[int, Task] = {each.pk: each for each in [*places.usual, *places.others]}
    phases: dict[str, Phase] = {each.key: each for each in places.phases}
    if bool(told["task"]) == bool(told["phase"]):
        raise Invalid("place_unfit", _("Name an open task, or a phase for a new one."), "task")
    if told["task"]:
        if told["task"] not in tasks:
            raise Invalid("place_unfit", _("This is no open task of the present iteration."), "task")
        return tasks[told["task"]]
    if told["phase"] not in phases:
        raise Invalid("place_unfit", _("This phase takes no further task now."), "phase")
    return phases[told["phase"]]


def _data(request: Request, made: ControlTask) -> dict[str, Any]:
    return control_task_data(control_tasks_visible_to(person_asking(request)).get(pk=made.pk))
