"""The list of runs at the API: rows straight from the database, since a page has up to 500 of them."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from lifecycle.models import Run, User
from lifecycle.queries.projects import project_ids_of, visible_project
from lifecycle.queries.run_search import Found, order_of, search_runs

_RENAMED = {
    "project__slug": "project", "iteration__number": "iteration", "task__key": "task",
    "model_version__digest": "model_digest", "started_by__name": "started_by",
}  # fmt: skip
_COLUMNS = (
    "id", "project__slug", "iteration__number", "task__key", "kind", "title", "source", "state", "progress",
    "step", "attempts", "error", "spec_digest", "model_version__digest", "started_by__name", "created_at",
    "started_at", "finished_at", "external_id", "parent_external_id", "url", "content_digest",
    "deleted_at_source",
)  # fmt: skip


class RunPages(CursorPagination):
    """Pages that neither skip nor repeat a run while others come in, in the order of the search."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_ordering(self, request: Request, queryset: QuerySet[Run], view: APIView) -> tuple[str, ...]:
        """What the search is sorted by."""
        return order_of(request.query_params)


def found_for(person: User, asked: Mapping[str, Any]) -> Found:
    """The runs that a person sees and that fit. At most 2 queries beside those for a page.

    The projects are named by their ids, since PostgreSQL knows how many runs each has, and of a subquery it
    does not.
    """
    runs = Run.objects.all()
    if slug := asked.get("project"):
        project = visible_project(person, slug)
        runs = runs.filter(project=project) if project else runs.none()
    elif (ids := project_ids_of(person)) is not None:
        runs = runs.filter(project__in=ids)
    return search_runs(runs, asked)


def listed(found: Found, request: Request, view: APIView) -> Response:
    """One page of the runs found, with the way to the next. 1 query."""
    pages = RunPages()
    rows: Any = pages.paginate_queryset(found.runs.values(*_COLUMNS), request, view=view)
    answer = pages.get_paginated_response([_row(each) for each in rows])
    if found.further and answer.data["next"] is None:
        address = remove_query_param(request.build_absolute_uri(), pages.cursor_query_param)
        for name, value in found.further.items():
            address = replace_query_param(address, name, value)
        answer.data["next"] = address
    return answer


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {_RENAMED.get(name, name): value for name, value in row.items()}
