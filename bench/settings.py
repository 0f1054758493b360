"""The product's own settings, with two addresses more: the floors that the others are compared with."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"

# Pages name their files by content after `collectstatic` only, which would hold up every run for seconds.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
