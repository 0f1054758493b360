"""What happens, as a Django app."""

from django.apps import AppConfig

from lifecycle.ungoverned import UNGOVERNED


class LifecycleConfig(AppConfig):
    """Process, projects, work, handoffs, triggers, runs, evidence, monitoring."""

    name = "lifecycle"
    ungoverned = UNGOVERNED

    def ready(self) -> None:
        # Receivers need the models, which are there only now.
        from lifecycle import receivers  # noqa: F401, PLC0415
