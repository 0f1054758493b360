"""The sections of a lifecycle report with their numbers and headings, for contents, headings and links."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from reports.documents.lifecycle import LifecycleReport


@dataclass(frozen=True, kw_only=True)
class Section:
    """A place in the report that the contents name and links lead to."""

    id: str
    number: str
    title: str
    children: tuple["Section", ...] = ()

    @property
    def label(self) -> str:
        """Number and title, for the outline and for links."""
        return f"{self.number}  {self.title}" if self.number else self.title


def sections_of(report: LifecycleReport) -> list[Section]:
    """All sections in reading order."""
    found = [
        Section(id="summary", number="–", title=_("Summary")),
        Section(id="process", number="1", title=_("Process and ownership")),
    ]
    for n, iteration in enumerate(report.iterations, 2):
        title = _("Iteration %(n)d, %(state)s") % {"n": iteration.number, "state": iteration.mark.word}
        key = f"it{iteration.number}"
        children = [Section(id=f"{key}-runs", number="", title=_("Runs"))]
        children += [
            Section(
                id=f"{key}-gate{m}",
                number="",
                title=_("Gate %(code)s: %(word)s") % {"code": gate.code, "word": gate.mark.word},
            )
            for m, gate in enumerate(iteration.gates)
        ]
        found.append(Section(id=key, number=str(n), title=title, children=tuple(children)))
    titles = (
        ("deployments", _("Authorizations and deployments")),
        ("monitoring", _("Monitoring and triggers")),
        ("risks", _("Risks")),
        ("findings", _("Findings and waivers")),
    )
    start = len(report.iterations) + 2
    found += [Section(id=key, number=str(n), title=title) for n, (key, title) in enumerate(titles, start)]
    verify = Section(id="verify", number="", title=_("Verify this report offline"))
    found.append(Section(id="evidence", number="A", title=_("Evidence")))
    found.append(Section(id="ledger", number="B", title=_("Ledger"), children=(verify,)))
    found.append(Section(id="words", number="C", title=_("The words")))
    return found
