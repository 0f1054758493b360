"""What a stack is described by: components, canvas blocks, maturity scales and the ML Test Score, as data."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lifecycle.definitions.text import read_yaml

STACK_FILE = Path(__file__).parent.parent / "catalogue" / "stack.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StackSource(_Part):
    """Where something was published."""

    id: str
    title: str
    url: str


class Component(_Part):
    """One of the nine components; `feeds` names those that it gives to."""

    key: str
    name: str
    kind: Literal["process", "store"]
    asks: str
    feeds: tuple[str, ...]


class Components(_Part):
    source: str
    items: tuple[Component, ...]


class CanvasField(_Part):
    """One question of a block."""

    key: str
    label: str
    asks: str


class CanvasBlock(_Part):
    """One block of the canvas; `phases` are those that it belongs to."""

    key: str
    name: str
    area: str
    phases: tuple[str, ...]
    questions: tuple[CanvasField, ...]


class Canvas(_Part):
    source: str
    blocks: tuple[CanvasBlock, ...]


class MaturityStep(_Part):
    name: str
    text: str


class MaturityScale(_Part):
    """A scale of maturity; its levels count from 0."""

    key: str
    name: str
    source: str
    levels: tuple[MaturityStep, ...]


class ScoreItem(_Part):
    """One of the 28 tests; `evidence` names the fact that answers it, empty where only people can."""

    key: str
    text: str
    tasks: tuple[str, ...]
    evidence: str = ""


class ScoreSection(_Part):
    key: str
    name: str
    items: tuple[ScoreItem, ...]


class Band(_Part):
    """What a score above one number and up to another means."""

    above: float
    up_to: float
    text: str


class ScoreRubric(_Part):
    source: str
    sections: tuple[ScoreSection, ...]
    bands: tuple[Band, ...]

    def band_of(self, score: float) -> str:
        """The words for a score (0 to 7)."""
        return next(each.text for each in self.bands if score <= each.up_to)


class StackCatalogue(_Part):
    """Everything of lifecycle/catalogue/stack.yaml, checked."""

    sources: tuple[StackSource, ...]
    components: Components
    canvas: Canvas
    maturity: tuple[MaturityScale, ...]
    test_score: ScoreRubric

    @cached_property
    def component_by_key(self) -> dict[str, Component]:
        return {each.key: each for each in self.components.items}

    @cached_property
    def block_by_key(self) -> dict[str, CanvasBlock]:
        return {each.key: each for each in self.canvas.blocks}

    @cached_property
    def scale_by_key(self) -> dict[str, MaturityScale]:
        return {each.key: each for each in self.maturity}

    @cached_property
    def item_by_key(self) -> dict[str, ScoreItem]:
        return {each.key: each for section in self.test_score.sections for each in section.items}

    def source(self, key: str) -> StackSource:
        """The source with this id; KeyError if there is none."""
        return {each.id: each for each in self.sources}[key]


@cache
def stack_catalogue() -> StackCatalogue:
    """The catalogue that Gatebook ships. Read once a process."""
    return StackCatalogue.model_validate(read_yaml(STACK_FILE.read_bytes()))
