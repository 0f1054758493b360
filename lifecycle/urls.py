"""Addresses of the pages of this app."""

from django.urls import URLPattern, URLResolver

app_name = "lifecycle"
urlpatterns: list[URLPattern | URLResolver] = []
