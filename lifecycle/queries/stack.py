"""The stack of a project as its pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from lifecycle.definitions.stack import CanvasBlock, Component, MaturityScale, StackCatalogue, stack_catalogue
from lifecycle.figures.stack import StackBox, StackPicture
from lifecycle.models import CanvasAnswer, MaturityLevel, Project, StackPart


@dataclass(frozen=True)
class ComponentLine:
    """A component with what the project chose; `part` is None where nothing was said yet."""

    component: Component
    part: StackPart | None
    feeds: tuple[str, ...]

    @property
    def chosen(self) -> bool:
        return bool(self.part and self.part.tool)


@dataclass(frozen=True)
class StackView:
    """The nine components, drawn and listed."""

    lines: list[ComponentLine]
    picture: StackPicture

    @property
    def chosen(self) -> int:
        return sum(line.chosen for line in self.lines)

    @property
    def missing(self) -> list[ComponentLine]:
        """Those with requirements and no tool."""
        return [line for line in self.lines if line.part and line.part.requirements and not line.chosen]


@dataclass(frozen=True)
class BlockView:
    """A block of the canvas: (label, question, text) of each of its questions."""

    block: CanvasBlock
    answer: CanvasAnswer | None
    rows: list[tuple[str, str, str]]

    @property
    def filled(self) -> int:
        return sum(bool(text) for _label, _asks, text in self.rows)


@dataclass(frozen=True)
class ScaleView:
    """A scale with the level of the project; each step is (number, name, text, state)."""

    scale: MaturityScale
    source: str
    source_url: str
    level: MaturityLevel | None
    steps: list[tuple[int, str, str, str]]


def stack_of(project: Project) -> StackView:
    """The components of a project with owners. 1 query."""
    catalogue = stack_catalogue()
    parts = {part.component: part for part in project.stack_parts.select_related("owner", "changed_by")}
    lines = [_line(each, parts.get(each.key), catalogue) for each in catalogue.components.items]
    boxes = tuple(
        StackBox(
            line.component.key, line.component.name, line.component.kind, line.part.tool if line.part else ""
        )
        for line in lines
    )
    return StackView(lines, StackPicture(boxes))


def canvas_of(project: Project) -> list[BlockView]:
    """The blocks of the canvas with what was written into them. 1 query."""
    answers = {each.block: each for each in project.canvas_answers.select_related("changed_by")}
    return [_block(each, answers.get(each.key)) for each in stack_catalogue().canvas.blocks]


def maturity_of(project: Project) -> list[ScaleView]:
    """The four scales with the level of the project. 1 query."""
    catalogue = stack_catalogue()
    levels = {each.scale: each for each in project.maturity_levels.select_related("changed_by")}
    return [_scale(each, levels.get(each.key), catalogue) for each in catalogue.maturity]


def _line(component: Component, part: StackPart | None, catalogue: StackCatalogue) -> ComponentLine:
    return ComponentLine(
        component, part, tuple(catalogue.component_by_key[key].name for key in component.feeds)
    )


def _block(block: CanvasBlock, answer: CanvasAnswer | None) -> BlockView:
    texts = answer.texts if answer else {}
    rows = [(each.label, each.asks, str(texts.get(each.key, ""))) for each in block.questions]
    return BlockView(block, answer, rows)


def _scale(scale: MaturityScale, level: MaturityLevel | None, catalogue: StackCatalogue) -> ScaleView:
    at = level.level if level else -1
    steps = [
        (number, step.name, step.text, "ok" if number < at else "now" if number == at else "idle")
        for number, step in enumerate(scale.levels)
    ]
    source = catalogue.source(scale.source)
    return ScaleView(scale, source.title, source.url, level, steps)
