"""What an auditor takes away, as a Django app."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Documents, exports, verification."""

    name = "reports"
