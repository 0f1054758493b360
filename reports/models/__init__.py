from reports.models.reports import REPORT_STATES, Report

__all__ = ["REPORT_STATES", "Report"]
