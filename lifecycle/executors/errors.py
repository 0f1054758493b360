"""How an executor says no.

`Invalid` (from the ledger) is for input that can be mended by the person who wrote the specification
or owns the data; `ExecutorError` is for a step that failed although the input looked right.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from ledger.errors import GatebookError, Invalid

__all__ = ["ExecutorError", "Invalid", "naming_the_step", "nearest"]


class ExecutorError(GatebookError):
    """A step of a run failed; `step` names it, `text` says what happened, for people."""

    def __init__(self, step: str, text: str) -> None:
        super().__init__(step, text)
        self.step = step
        self.text = text

    def __str__(self) -> str:
        return f"{self.step}: {self.text}"


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the known names nearest to `name`, or with the first few that exist."""
    names = [str(item) for item in known]
    by_lower = {item.lower(): item for item in names}
    close = [by_lower[item] for item in get_close_matches(name.lower(), by_lower, n=2, cutoff=0.5)]
    if close:
        return "Did you mean " + " or ".join(f"“{item}”" for item in close) + "?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"Known are: {shown}." if names else "None is known."


@contextmanager
def naming_the_step(step: str) -> Iterator[None]:
    """Wraps what a library raises, so that a failed run says in which step it failed.

    The libraries below raise nearly any type on odd data, and a run must end with a clear sentence
    whichever it is; what is refused on purpose passes unchanged.
    """
    try:
        yield
    except GatebookError:
        raise
    except MemoryError as error:
        raise ExecutorError(step, "The machine has not enough memory for this step.") from error
    except Exception as error:
        first_line = (str(error).strip().splitlines() or [""])[0][:400]
        raise ExecutorError(step, f"{type(error).__name__}: {first_line}") from error
