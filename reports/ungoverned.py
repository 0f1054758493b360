"""What of this app the ledger does not vouch for, and why."""

UNGOVERNED = {
    "reports.report.progress": "written while it is made",
    "reports.report.step": "written while it is made",
}
