"""The published JSON Schema of `evidence.json`: that of the lifecycle report and that of all other kinds."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from reports.documents.evidence import evidence_schema

PAPERS_FILE = Path(__file__).with_name("paper.schema.json")
ADDRESS = "urn:gatebook:schema:evidence:1.1"


@cache
def published_schema() -> dict[str, Any]:
    """The schema of whatever kind of report; each kind's own stands whole in `$defs`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ADDRESS,
        "title": "Evidence of a Gatebook report",
        "oneOf": [
            {"$ref": "urn:gatebook:schema:lifecycle-evidence:1.0"},
            {"$ref": "urn:gatebook:schema:paper-evidence:1.0"},
        ],
        "$defs": {
            "lifecycle": evidence_schema(),
            "paper": json.loads(PAPERS_FILE.read_text(encoding="utf-8")),
        },
    }


def evidence_problems(evidence: Any) -> list[str]:
    """Where evidence does not fit its schema, in words; empty if it fits."""
    validator = Draft202012Validator(published_schema())
    return [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(evidence)]
