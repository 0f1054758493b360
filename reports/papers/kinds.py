"""How the values of a column are written. A leaf: forms of data know it without charts."""

from enum import StrEnum


class Kind(StrEnum):
    """How the values of a column are written and set."""

    TEXT = "text"
    CODE = "code"  # set in the typewriter face: expressions, keys of actors
    NUMBER = "number"
    DAY = "day"
    MOMENT = "moment"
    STATE = "state"
    DIGEST = "digest"
