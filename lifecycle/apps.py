"""What happens, as a Django app."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    """Process, projects, work, handoffs, triggers, runs, evidence, monitoring."""

    name = "lifecycle"
