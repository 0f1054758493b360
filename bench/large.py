"""Fills a database with many projects at once: `python -m bench.large --projects 1000`.

Rows are written directly, not through the services, so that a thousand projects take minutes and not hours;
the ledger is written by `append_many`, so that it can be verified. What lies there is plausible, not real.
"""

import argparse
import datetime as dt
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

CHUNK = 25
TASKS, HANDOFFS = 60, 30


def fill(projects: int, *, tasks: int = TASKS, handoffs: int = HANDOFFS, say: Callable[[str], None]) -> None:
    """Add projects to the database, each with an open iteration of so many tasks and handoffs."""
    from django.db import transaction  # noqa: PLC0415  # `main` chooses the settings first

    from bench.large_projects import Maker  # noqa: PLC0415
    from ledger.queries import head  # noqa: PLC0415
    from ledger.tiles import store_tiles  # noqa: PLC0415
    from lifecycle.services.figures import keep_figures  # noqa: PLC0415

    start = time.monotonic()
    with transaction.atomic():
        maker = Maker(tasks, handoffs)
    for done in _steps(projects):
        with _nobody_told(), transaction.atomic():
            maker.make(done)
        speed = done.stop / max(time.monotonic() - start, 0.001)
        say(f"{done.stop:,} of {projects:,} projects, {speed:.1f} a second")
    store_tiles(head().size)  # as publishing a checkpoint does
    keep_figures()  # as it is done every ten minutes


@contextmanager
def _nobody_told() -> Iterator[None]:
    """Let nothing answer to what the ledger is given: each entry would ask for work in the background."""
    from ledger.events import entry_appended  # noqa: PLC0415  # `main` chooses the settings first

    held, entry_appended.receivers = entry_appended.receivers, []
    entry_appended.sender_receivers_cache.clear()
    try:
        yield
    finally:
        entry_appended.receivers = held
        entry_appended.sender_receivers_cache.clear()


def _steps(total: int) -> Iterator[range]:
    for begin in range(0, total, CHUNK):
        yield range(begin, min(begin + CHUNK, total))


def digest(text: str) -> str:
    """A SHA-256 that no other text has."""
    return hashlib.sha256(text.encode()).hexdigest()


def days(moment: dt.datetime, count: float) -> dt.datetime:
    """So many days later."""
    return moment + dt.timedelta(days=count)


def main() -> None:
    """Fill the database of this installation, or of the one that DATABASE_URL and GATEBOOK_HOME name."""
    parser = argparse.ArgumentParser(prog="python -m bench.large", description=__doc__)
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=TASKS, help="tasks of a project (%(default)s)")
    parser.add_argument("--handoffs", type=int, default=HANDOFFS, help="handoffs of a project (%(default)s)")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    import django  # noqa: PLC0415  # after the arguments: `--help` needs no settings
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    fill(options.projects, tasks=options.tasks, handoffs=options.handoffs, say=print)


if __name__ == "__main__":
    main()
