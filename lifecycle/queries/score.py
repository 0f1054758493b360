"""The ML Test Score of a project: 28 items, the records and people's words side by side."""

from __future__ import annotations

from dataclasses import dataclass

from lifecycle.definitions.stack import ScoreItem, StackSource, stack_catalogue
from lifecycle.models import Project, ScoreMark
from lifecycle.queries.score_evidence import Found, evidence_for

_POINTS = {ScoreMark.Value.NONE: 0.0, ScoreMark.Value.BY_HAND: 0.5, ScoreMark.Value.AUTOMATED: 1.0}


@dataclass(frozen=True)
class ItemLine:
    """One item. A person's word counts before the evidence; `above` says that it claims more."""

    item: ScoreItem
    found: Found | None
    mark: ScoreMark | None

    @property
    def said(self) -> float | None:
        """The points that a person gave; None if they left it to the evidence or said nothing."""
        return _POINTS.get(ScoreMark.Value(self.mark.value)) if self.mark else None

    @property
    def points(self) -> float:
        if self.said is not None:
            return self.said
        return self.found.points if self.found else 0.0

    @property
    def shown(self) -> str:
        return {0.0: "0", 0.5: "½", 1.0: "1"}[self.points]

    @property
    def proven(self) -> str:
        """The points of the evidence as text; empty where it is silent."""
        return {0.0: "0", 0.5: "½", 1.0: "1"}[self.found.points] if self.found else ""

    @property
    def above(self) -> bool:
        """Whether a person gave more than the records show."""
        return self.said is not None and self.found is not None and self.said > self.found.points

    @property
    def from_evidence(self) -> bool:
        return self.said is None and self.found is not None

    @property
    def state(self) -> str:
        if self.above:
            return "warn"
        return "ok" if self.points == 1 else "now" if self.points else "idle"


@dataclass(frozen=True)
class SectionView:
    """One of the four sections; its sum is at most 7."""

    key: str
    name: str
    lines: list[ItemLine]

    @property
    def points(self) -> float:
        return sum(line.points for line in self.lines)

    @property
    def proven(self) -> float:
        """The sum if only the records counted."""
        return sum(line.found.points for line in self.lines if line.found)


@dataclass(frozen=True)
class ScoreView:
    """The whole score: the smallest of the four sums, with its band in words."""

    sections: list[SectionView]
    band: str
    source: StackSource

    @property
    def score(self) -> float:
        return min(section.points for section in self.sections)

    @property
    def proven(self) -> float:
        return min(section.proven for section in self.sections)

    @property
    def lines(self) -> list[ItemLine]:
        return [line for section in self.sections for line in section.lines]

    @property
    def above(self) -> list[ItemLine]:
        return [line for line in self.lines if line.above]

    @property
    def weakest(self) -> list[SectionView]:
        """The sections that hold the score down."""
        return [section for section in self.sections if section.points == self.score]


def score_of(project: Project) -> ScoreView:
    """The 28 items of a project with what the records and people say. 9 queries."""
    rubric = stack_catalogue().test_score
    found = evidence_for(project)
    marks = {mark.item: mark for mark in project.score_marks.select_related("changed_by")}
    sections = [
        SectionView(
            part.key, part.name,
            [ItemLine(item, found.get(item.evidence), marks.get(item.key)) for item in part.items],
        )
        for part in rubric.sections
    ]  # fmt: skip
    score = min(section.points for section in sections)
    return ScoreView(sections, rubric.band_of(score), stack_catalogue().source(rubric.source))
