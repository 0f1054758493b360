"""What every part of a process definition is made of: strict, frozen, no unknown fields."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, StringConstraints

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
"""Names a process or a criterion: `crisp-ml-q`, `tasks-verified`."""

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,19}$")]
"""Short, stable, unique within its list: `P1`, `1.2.3`, `R1-01`."""

PhaseKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,9}$")]
"""A key of at most ten characters."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,19}$")]
"""The code of a role or stage: `DS`, `DATA`."""

# What is not seen: controls, line and paragraph separators, what turns the direction of a text.
_NEVER = r"\x7f-\x9f\u2028-\u202e\u2066-\u2069"
# What is not seen by itself, and so does not begin or end a text.
_EDGE = rf"\s\x00-\x1f\u200b\u2060\ufeff{_NEVER}"
_ONE_LINE = rf"^[^{_EDGE}]([^\x00-\x1f{_NEVER}]*[^{_EDGE}])?$"
_LINES = rf"^[^{_EDGE}]([^\x00-\x08\x0b-\x1f{_NEVER}]*[^{_EDGE}])?$"

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_ONE_LINE)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=_ONE_LINE)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=_LINES)]
"""May have line breaks and tabs; no other control characters, no space at either end."""

Expression = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=_LINES)]
Flag = StrictBool
Count = StrictInt


class Part(BaseModel):
    """Base of all parts. Unknown fields are refused, values cannot change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
