"""The published JSON Schema of the process document, made from the code."""

import json
from pathlib import Path
from typing import Any

from lifecycle.definitions.document import ProcessDocument

SCHEMA_FILE = Path(__file__).parent.parent / "catalogue" / "process.schema.json"
"""Where the published schema lies; `manage.py process_schema` writes it."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12). It holds the shape; references and CEL are checked by `problems`."""
    schema = ProcessDocument.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **schema, "title": "Gatebook process document"}


def schema_text() -> str:
    """The schema as the published file holds it."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
