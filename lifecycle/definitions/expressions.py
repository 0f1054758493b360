"""Reading CEL before it is ever run: does it parse, and does it ask only for what will be there?"""

import re
from functools import lru_cache

import cel
from django.utils.translation import gettext as _

GATE_VARIABLES = frozenset(
    {
        "metrics", "slices", "previous", "tasks", "handoffs", "requirements", "risks", "findings",
        "evidence", "run", "data", "monitoring", "scope",
    }
)  # fmt: skip
"""What a gate criterion may look at."""

TRIGGER_VARIABLES = frozenset({"event", "params"})
"""What a trigger's condition may look at."""

_FUNCTIONS = frozenset(
    {
        "size", "contains", "startsWith", "endsWith", "matches", "string", "int", "uint", "double", "bool",
        "bytes", "duration", "timestamp", "max", "min", "getFullYear", "getMonth", "getDayOfMonth",
        "getDayOfWeek", "getDayOfYear", "getDate", "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    }
)  # fmt: skip
_BINDINGS = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


@lru_cache(maxsize=2048)
def problem_of(expression: str, allowed: frozenset[str]) -> str | None:
    """What is wrong with a CEL expression, in words with line and column; None if nothing is.

    Variables outside `allowed` and functions that CEL does not have are problems too.
    """
    try:
        names = cel.compile(expression).references()
    except ValueError as error:
        return _syntax(str(error))
    except RecursionError:
        return _("The expression is nested too deeply.")
    code = code_of(expression)
    bound = set(_BINDINGS.findall(code))
    unknown = sorted(set(names["variables"]) - bound - allowed)
    if unknown:
        return _("Unknown variable “%(name)s” in column %(column)d; there are: %(known)s.") % {
            "name": unknown[0],
            "column": _column(code, unknown[0]),
            "known": ", ".join(sorted(allowed)),
        }
    functions = sorted(name for name in names["functions"] if name.isidentifier() and name[0] != "_")
    missing = [name for name in functions if name not in _FUNCTIONS]
    if missing:
        return _("Unknown function “%(name)s” in column %(column)d.") % {
            "name": missing[0],
            "column": _column(code, missing[0]),
        }
    return None


def code_of(expression: str) -> str:
    """The expression with its string literals blanked, every character where it was."""
    return _STRINGS.sub(lambda string: " " * len(string[0]), expression)


def _syntax(message: str) -> str:
    found = _PLACE.search(message)
    if found is None:
        return message.splitlines()[0]
    line, column, what = int(found[1]), int(found[2]), found[3].partition(" expecting ")[0]
    if line == 1:
        return _("Cannot be read in column %(column)d: %(what)s.") % {"column": column, "what": what}
    return _("Cannot be read in line %(line)d, column %(column)d: %(what)s.") % {
        "line": line,
        "column": column,
        "what": what,
    }


def _column(code: str, name: str) -> int:
    found = re.search(rf"\b{re.escape(name)}\b", code)
    return found.start() + 1 if found else 1
