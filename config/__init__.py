"""Wires the floors together: settings, addresses, servers, background work. It holds no rules."""

from config.celery import app as celery_app

# The one place that states the version; a test holds it equal to pyproject.toml.
__version__ = "0.1.0"

# Imported here so that every `shared_task` binds to it in any process that loads the settings.
__all__ = ["__version__", "celery_app"]
