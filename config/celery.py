"""The Celery application. It takes every `CELERY_…` line of the settings and finds each app's `tasks.py`."""

import logging.config
import os
import warnings
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# A container's only user is often root. What makes that dangerous is a pickled message, and ours are JSON.
warnings.filterwarnings("ignore", message="You're running the worker")

app = Celery("gatebook")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_like_the_rest(**kwargs: Any) -> None:
    """Log as Django's settings say; being connected at all keeps Celery from setting up its own."""
    # The settings may only be read once the environment above is complete.
    from django.conf import settings  # noqa: PLC0415

    logging.config.dictConfig(settings.LOGGING)
