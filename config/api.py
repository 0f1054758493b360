"""What every view of the API shares: how it says no, and how it pages."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.response import Response
from rest_framework.views import set_rollback

from config.problems import CONTENT_TYPE, problem
from ledger.errors import Invalid, Refused

logger = logging.getLogger(__name__)


class CursorPagination(BaseCursorPagination):
    """Pages that neither skip nor repeat a row while others are added; newest first."""

    ordering = "-pk"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer a known refusal as problem+json; None lets an unknown error become a logged 500."""
    if isinstance(exc, Refused):
        found = problem(status=HTTPStatus.CONFLICT, code=exc.code, detail=str(exc))
    elif isinstance(exc, Invalid):
        found = problem(
            status=HTTPStatus.BAD_REQUEST, code=exc.code, detail=str(exc), where=str(exc.where),
            errors=[vars(each) for each in getattr(exc, "flaws", ())],
        )  # fmt: skip
    elif isinstance(exc, Http404):
        found = problem(
            status=HTTPStatus.NOT_FOUND, code="not_found", detail="There is nothing here that you can see."
        )
    elif isinstance(exc, PermissionDenied):
        detail = str(exc) or "You may not do this."
        found = problem(status=HTTPStatus.FORBIDDEN, code="permission_denied", detail=detail)
    elif isinstance(exc, exceptions.ValidationError):
        errors = list(_flatten(exc.detail))
        detail = errors[0]["text"] if len(errors) == 1 else f"{len(errors)} fields were refused."
        found = problem(status=HTTPStatus.BAD_REQUEST, code="invalid", detail=detail, errors=errors)
    elif isinstance(exc, exceptions.APIException):
        found = problem(status=exc.status_code, code=_code(exc), detail=str(exc.detail))
    elif isinstance(exc, OperationalError):
        logger.error("The database did not answer.", exc_info=exc)
        detail = "The database does not answer, so nothing was done."
        found = problem(status=HTTPStatus.SERVICE_UNAVAILABLE, code="database_unreachable", detail=detail)
    else:
        return None
    set_rollback()
    return Response(found, status=found["status"], headers=_headers(exc), content_type=CONTENT_TYPE)


def _code(exc: exceptions.APIException) -> str:
    codes = exc.get_codes()
    return codes if isinstance(codes, str) else str(exc.default_code)


def _headers(exc: Exception) -> dict[str, str]:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = str(challenge)
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


def _flatten(detail: Any, where: str = "") -> Iterator[dict[str, str]]:
    """Each refused place of the input once: `{"where": "/features/3/name", "code": …, "text": …}`."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, where if name == "non_field_errors" else f"{where}/{name}")
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, inner in enumerate(detail):
            # A list of messages belongs to one place; a list of mappings is a list in the input.
            yield from _flatten(inner, f"{where}/{index}" if isinstance(inner, Mapping) else where)
    else:
        yield {"where": where, "code": str(getattr(detail, "code", "invalid")), "text": str(detail)}
