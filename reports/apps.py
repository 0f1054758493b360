"""What an auditor takes away, as a Django app."""

from django.apps import AppConfig

from reports.ungoverned import UNGOVERNED


class ReportsConfig(AppConfig):
    """Documents, exports, verification."""

    name = "reports"
    ungoverned = UNGOVERNED
