"""The top floor as a Django app, so that it can own commands, checks and the way to the fonts."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """Registers the checks that find settings which contradict each other."""

    name = "config"
    verbose_name = "Gatebook"

    def ready(self) -> None:
        # Checks register themselves on import, and they may only be imported once the apps are loaded.
        from config import checks  # noqa: F401, PLC0415
