"""What the demo says while it works: one line a step, with a bar where it takes a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

Report = Callable[[float, str], None]


def _silent(share: float, words: str) -> None:
    """Off a terminal nothing moves; the finished line says it all."""


class DemoConsole:
    """Prints the story's steps. On a terminal bars move; elsewhere each step is one finished line."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)

    def title(self, text: str) -> None:
        """A heading between parts of the story."""
        self.console.print(f"\n[bold]{escape(text)}[/bold]", soft_wrap=True)

    def line(self, text: str) -> None:
        """One plain line, never broken, so that a path can be copied."""
        self.console.print(f"  {text}", markup=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[Report]:
        """Show a step with a bar; call what is given with a share (0 to 1) and a few words.

        If the step raises, the bar stays where it stopped and the error goes on.
        """
        begun = time.monotonic()
        if not self.console.is_terminal:
            yield _silent
            seconds = time.monotonic() - begun
            self.console.print(f"  {escape(text)} [dim]{seconds:5.1f} s[/dim]", soft_wrap=True)
            return
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task(escape(text), total=1.0, words="")
            yield lambda share, words: progress.update(task, completed=share, words=words)
            progress.update(task, completed=1.0, words="")
