"""RFC 9457 problem details: one shape for every refusal of the API."""

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"


def problem(*, status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The members of a problem document.

    `code` is stable and meant for programs, `detail` is for people. `type` stays the RFC's `about:blank`, so
    that `title` is the status's own phrase. Members of `extra` that are None or empty are left out.
    """
    members = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "code": code,
        "detail": detail,
    }
    return members | {name: value for name, value in extra.items() if value not in (None, "", [], {})}


def problem_response(*, status: int, code: str, detail: str, **extra: Any) -> HttpResponse:
    """The same as an answer, for places outside REST framework."""
    body = json.dumps(problem(status=status, code=code, detail=detail, **extra), ensure_ascii=False)
    return HttpResponse(body, status=int(status), content_type=CONTENT_TYPE)
