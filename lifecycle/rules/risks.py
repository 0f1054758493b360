"""When a risk has gone round the loop often enough."""

from lifecycle.models import Risk

MOST_LOOPS = 3
"""How often a risk is lowered before a manager decides about it. The process documents name no number."""


def is_at_limit(risk: Risk, appetite: int) -> bool:
    """Whether the risk was reassessed as often as it may be and is still above the appetite."""
    return risk.state == Risk.State.REASSESSED and risk.loops >= MOST_LOOPS and (risk.score or 0) > appetite
