"""The published JSON Schema of the process document, made from the code."""

from typing import Any

from lifecycle.definitions.document import ProcessDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12). It holds the shape; references and CEL are checked by `problems`."""
    schema = ProcessDocument.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **schema, "title": "Gatebook process document"}
