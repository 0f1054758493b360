"""The process that Gatebook ships: CRISP-ML(Q)."""

from functools import cache
from pathlib import Path

from lifecycle.definitions.document import ProcessDocument
from lifecycle.definitions.text import load_yaml

CATALOGUE_FILE = Path(__file__).parent.parent / "catalogue" / "crisp-ml-q.yaml"


@cache
def catalogue() -> ProcessDocument:
    """CRISP-ML(Q) as a checked document; read once in a process."""
    return load_yaml(CATALOGUE_FILE.read_bytes())
