"""Addresses of the pages of this app."""

from django.urls import URLPattern, URLResolver, path

from lifecycle.views import design

app_name = "lifecycle"
urlpatterns: list[URLPattern | URLResolver] = [
    path("design/", design.gallery, name="design"),
]
