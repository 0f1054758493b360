from reports.models.reports import REPORT_STATES, Report
from reports.models.verifications import VERIFICATION_STATES, Verification

__all__ = ["REPORT_STATES", "VERIFICATION_STATES", "Report", "Verification"]
