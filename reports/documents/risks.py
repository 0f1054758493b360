"""Risks before and after what was done about them."""

from dataclasses import dataclass

from reports.documents.states import Mark


@dataclass(frozen=True, kw_only=True)
class Risk:
    """Severity and occurrence from 1 to 5; the residual pair counts only measures that are done and
    proven.
    """

    code: str
    text: str
    measure: str
    owner: str
    severity: int
    occurrence: int
    residual_severity: int
    residual_occurrence: int
    mark: Mark

    @property
    def before(self) -> int:
        """Inherent score, 1 to 25."""
        return self.severity * self.occurrence

    @property
    def after(self) -> int:
        """Residual score, 1 to 25."""
        return self.residual_severity * self.residual_occurrence
