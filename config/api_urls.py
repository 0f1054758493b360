"""Addresses of the API, version 1, in a namespace of their own, so that no name means a page too."""

from django.urls import URLPattern, URLResolver, path

from governance.api.gate_checks import GateCheckView

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("gate-checks/", GateCheckView.as_view(), name="gate-checks"),
]
