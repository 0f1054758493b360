"""What this app writes into the ledger."""

from ledger.actions import Action


class ReportAction(Action):
    """Documents asked for and made."""

    REPORT_REQUESTED = "report.requested"
    REPORT_MADE = "report.made"
    REPORT_FAILED = "report.failed"
    REPORT_READ = "report.read"
