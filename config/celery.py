"""The Celery application. It takes every `CELERY_…` line of the settings and finds each app's `tasks.py`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("gatebook")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
