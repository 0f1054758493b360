"""Response headers that neither Django nor django-csp sets, and the reader's time zone."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from lifecycle.zones import UTC, shown_in

POLICIES = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class BrowserPolicyMiddleware:
    """Denies browser features that no page uses, and other sites' use of our answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in POLICIES.items():
            response.headers.setdefault(name, value)
        return response


class ReaderZoneMiddleware:
    """Shows moments on pages in the zone of whoever reads; asks who that is only when a page shows one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with shown_in(lambda: getattr(request.user, "time_zone", UTC)):
            return self.get_response(request)
