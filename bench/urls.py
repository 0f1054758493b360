"""The site, and two views that do next to nothing."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from governance.models import Authorization


def nothing(request: HttpRequest) -> JsonResponse:
    """The least that a view can do, behind the same middleware as all others."""
    return JsonResponse({"decision": "none"})


def lookup(request: HttpRequest) -> JsonResponse:
    """One row by its primary key, as JSON."""
    row = Authorization.objects.values("model_digest", "environment", "state").get(pk=request.GET["pk"])
    return JsonResponse(row)


urlpatterns = [
    path("bench/nothing", nothing),
    path("bench/lookup", lookup),
    path("", include("config.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
