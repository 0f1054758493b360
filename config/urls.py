"""Every address of the site: pages by app, the API under /api/v1/, and the two questions of a supervisor."""

from django.urls import include, path

from config import health
from config.demo.views import pizzatron

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include("config.api_urls")),
    path("pizzatron/", pizzatron, name="pizzatron"),
    path("", include("lifecycle.urls")),
    path("", include("governance.urls")),
    path("", include("reports.urls")),
    path("", include("ledger.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
