"""A paper as one HTML document with its pictures, for WeasyPrint."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.template import Context
from django.utils import timezone, translation
from django.utils.html import strip_tags
from django.utils.translation import gettext as _

from reports.charts.drawings import seal
from reports.documents import Mark
from reports.documents.measures import number
from reports.papers.blocks import Block, Chart, Column, Drawing, Outcome, Paper, Prose, Signers, Table, Value
from reports.papers.kinds import Kind
from reports.rendering.figures import Pictures, Shown
from reports.rendering.pages import Page, engine

LONG = 600  # characters of a cell; what is cut stands in full in evidence.json
CONTENTS_FROM = 4  # parts


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell as the template sets it."""

    text: str
    look: str = ""
    heads: bool = False


def paper_page(paper: Paper, paper_size: str = "A4") -> Page:
    """In its own language, times in UTC. Costs the drawing of its charts when they are not cached."""
    with translation.override(paper.language), timezone.override(UTC):
        pictures = Pictures()
        parts = _numbered(paper)
        context = {
            "paper": paper,
            "paper_size": paper_size,
            "seal": pictures.plain("seal", seal(paper.verdict.mark.state)),
            "picture": _picture(paper.picture, pictures),
            "picture_empty": getattr(paper.picture, "empty", ""),
            "opening": [_block(block, pictures) for block in paper.opening],
            "parts": [
                {**head, "part": part, "blocks": [_block(block, pictures) for block in part.blocks]}
                for part, head in zip(paper.parts, parts, strict=True)
            ],
            "contents": len(paper.parts) >= CONTENTS_FROM,
        }
        html = engine().get_template("reports/documents/paper.html").render(Context(context))
        labels = {part.id: strip_tags(head["label"]) for part, head in zip(paper.parts, parts, strict=True)}
    return Page(
        html=html.replace(" %", "\u00a0%"),
        images=pictures.files,
        labels=labels,
        identifier=paper.report_id,
        moment=paper.as_of,
    )


def _numbered(paper: Paper) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    sections, annexes = 0, 0
    for part in paper.parts:
        if part.annex:
            number_ = "ABCDEFGH"[annexes]
            annexes += 1
            kicker = _("Annex %(n)s") % {"n": number_}
        else:
            sections += 1
            number_ = str(sections)
            kicker = _("Section %(n)s") % {"n": number_}
        found.append({"number": number_, "kicker": kicker, "label": f"{number_}  {part.title}"})
    return found


def _picture(block: Chart | Drawing | None, pictures: Pictures) -> Shown | None:
    if isinstance(block, Drawing):
        return pictures.drawing(block.name, block.svg, block.alt, block.conclusion, block.note)
    return pictures.figure(block.name, block.figure) if block is not None else None


def _block(block: Block, pictures: Pictures) -> dict[str, Any]:
    """A block by the name of its kind, as the template tells them apart."""
    if isinstance(block, Table):
        left = max(len(block.rows) - block.most, 0) if block.most else 0
        return {"table": block, "heads": block.columns, "rows": _rows(block), "left": left}
    if isinstance(block, Chart | Drawing):
        return {"figure": _picture(block, pictures), "empty": getattr(block, "empty", "")}
    if isinstance(block, Outcome):
        return {"outcome": block}
    if isinstance(block, Signers):
        return {"signers": block}
    assert isinstance(block, Prose)
    return {"prose": block}


def _rows(table: Table) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    before: Any = None
    for row in table.rows[: table.most or None]:
        cells = [
            _cell(value, column, heads=n == _head(table))
            for n, (value, column) in enumerate(zip(row, table.columns, strict=True))
        ]
        now = row[table.group] if table.group >= 0 else None
        found.append({"cells": cells, "first": bool(found) and table.group >= 0 and now != before})
        before = now
    return found


def _head(table: Table) -> int:
    """The column that heads a row; -1 in the table asks for its first."""
    return max(table.head, 0)


def _cell(value: Value, column: Column, *, heads: bool) -> Cell:
    text = written(value, column)
    look = {
        Kind.NUMBER: "num",
        Kind.CODE: "code",
        Kind.DIGEST: "mono",
        Kind.STATE: f"s {value.state.value}" if isinstance(value, Mark) else "",
    }.get(column.kind, "")
    return Cell(text=text if len(text) <= LONG else text[: LONG - 1] + "…", look=look, heads=heads)


def written(value: Value, column: Column) -> str:
    """A value as people read it; an en dash for none."""
    if value is None or value == "":
        return "–"
    if isinstance(value, Mark):
        return value.word
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return f"{moment:%-d %b %Y}" if column.kind is Kind.DAY else f"{moment:%-d %b %Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%-d %b %Y}"
    if column.kind is Kind.NUMBER and isinstance(value, int | float):
        return number(value, column.digits)
    if column.kind is Kind.DIGEST:
        return f"{str(value)[:8]} {str(value)[8:16]}"
    return str(value)
