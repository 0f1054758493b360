"""How an executor tells how far it is."""

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of the step and the share done, from 0 to 1."""


def quiet(step: str, share: float) -> None:
    """A progress callback that tells nobody."""
