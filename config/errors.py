"""Error pages for people, and problem+json for whoever asked the API."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from django.utils.translation import gettext as _

from config.problems import problem_response

API_PREFIX = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request could not be understood."""
    return _answer(request, HTTPStatus.BAD_REQUEST, "bad_request", _("The request could not be understood."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: known, but not allowed; the service's own reason is shown when it gave one."""
    return _answer(
        request, HTTPStatus.FORBIDDEN, "permission_denied", str(exception) or _("You may not do this.")
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: there is nothing here, or nothing that this person may see."""
    return _answer(request, HTTPStatus.NOT_FOUND, "not_found", _("There is nothing here that you can see."))


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a mistake of ours; the log has the traceback."""
    text = _("Something went wrong on our side. It has been logged.")
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "server_error", text)


def _answer(request: HttpRequest, status: HTTPStatus, code: str, text: str) -> HttpResponse:
    if request.path.startswith(API_PREFIX):
        return problem_response(status=status, code=code, detail=text)
    context = {"status": status.value, "title": status.phrase, "text": text}
    try:
        # Without the request after a 500: what broke may break the context processors again.
        page = None if status == HTTPStatus.INTERNAL_SERVER_ERROR else request
        return render(page, f"errors/{status.value}.html", context, status=status)
    except TemplateDoesNotExist:
        return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
