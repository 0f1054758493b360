"""Waiting without a guess: how long something takes differs by machine, so a limit only ends what hangs."""

import time
from collections.abc import Callable

PATIENCE = 240.0
"""Seconds after which a test takes what it waits for to be hung. No test depends on a shorter time."""


def wait_until(true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Look again and again until it is true; AssertionError when it never is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"It did not happen within {seconds:.0f} s."
        time.sleep(0.05)
