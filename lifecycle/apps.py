"""What happens, as a Django app."""

from django.apps import AppConfig


class LifecycleConfig(AppConfig):
    """Process, projects, work, handoffs, triggers, runs, evidence, monitoring."""

    name = "lifecycle"

    def ready(self) -> None:
        # Receivers need the models, which are there only now.
        from lifecycle import receivers  # noqa: F401, PLC0415
