"""What this app writes into the ledger."""

from ledger.actions import Action


class ReportAction(Action):
    """Documents asked for and made."""

    REPORT_REQUESTED = "report.requested"
    REPORT_SEALED = "report.sealed"
    REPORT_MADE = "report.made"
    REPORT_FAILED = "report.failed"
    REPORT_CANCELLED = "report.cancelled"
    REPORT_EXPIRED = "report.expired"
    REPORT_READ = "report.read"
    VERIFICATION_REQUESTED = "verification.requested"
    VERIFICATION_FINISHED = "verification.finished"
    VERIFICATION_FAILED = "verification.failed"
