"""A paper as JSON: `evidence.json` inside the file, and the data that other formats are made of."""

from collections.abc import Sequence
from typing import Any

from reports.documents import LedgerExtract, LifecycleReport, five_answers, verdict
from reports.documents.evidence import plain
from reports.papers.blocks import Paper, Table

PAPER_SCHEMA = "1.0"


def paper_evidence(paper: Paper) -> dict[str, Any]:
    """What a machine needs to check the paper, valid against the published schema."""
    return data_document(paper) | {"ledger": ledger_part(paper.ledger), "snapshots": plain(paper.snapshots)}


def data_document(paper: Paper) -> dict[str, Any]:
    """The content as data: head, verdict, five lines, tables."""
    return {
        "schema": PAPER_SCHEMA,
        "kind": paper.kind,
        "report": paper.report_id,
        "title": paper.title,
        "name": paper.name,
        "as_of": plain(paper.as_of),
        "since": plain(paper.since),
        "project": plain(paper.project),
        "facts": [list(pair) for pair in paper.facts],
        "verdict": plain(paper.verdict),
        "answers": [_answer(each) for each in plain(paper.answers)],
        "tables": [table_data(table) for table in paper.tables],
    }


def lifecycle_data(report: LifecycleReport, tables: Sequence[Table]) -> dict[str, Any]:
    """The lifecycle report in the same form."""
    return {
        "schema": PAPER_SCHEMA,
        "kind": "lifecycle",
        "report": report.report_id,
        "title": report.project.name,
        "name": "Lifecycle report",
        "as_of": plain(report.as_of),
        "since": None,
        "project": plain(report.project),
        "facts": [],
        "verdict": plain(verdict(report)),
        "answers": [_answer(each) for each in plain(five_answers(report))],
        "tables": [table_data(table) for table in tables],
    }


def ledger_part(ledger: LedgerExtract) -> dict[str, Any]:
    """The part of the ledger that a report rests on."""
    return {
        "origin": ledger.origin,
        "root": ledger.root,
        "size": ledger.size,
        "first": ledger.first,
        "last": ledger.last,
        "checkpoint": ledger.checkpoint,
        "entries": plain(ledger.entries),
    }


def table_data(table: Table) -> dict[str, Any]:
    """Columns and rows; a state is its word."""
    return {
        "name": table.name,
        "caption": table.caption,
        "columns": [{"key": c.key, "title": c.title, "kind": c.kind.value} for c in table.columns],
        "rows": [[_cell(value) for value in row] for row in table.rows],
    }


def _cell(value: Any) -> Any:
    said = plain(value)
    return said["word"] if isinstance(said, dict) else said


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    return {"question": answer["question"], "mark": answer["mark"], "why": answer["why"]}
