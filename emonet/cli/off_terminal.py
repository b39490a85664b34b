"""What is printed where there is no terminal: whole tables, and progress as lines of a log."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.progress import Progress, ProgressColumn, TaskID
from rich.text import Text

PERIOD_S = 30.0
"""How long there is no line of progress at most."""

_WIDEST = 10_000
"""Columns of a table that is on no terminal: what is in it decides how wide it is."""


class TableConsole(Console):
    """Prints tables as wide as the terminal, and to files and pipes as wide as what is in them."""

    @property
    def options(self) -> ConsoleOptions:
        """How wide a table may be, among others."""
        usual = super().options
        return usual if self.is_terminal else usual.update_width(_WIDEST)


class ProgressLines(Progress):
    """Prints a line every 30 s, and one for each tenth that is done, of one task.

    A line has the columns of a bar, without the bar itself.
    """

    def __init__(self, *columns: ProgressColumn, console: Console):
        super().__init__(*columns, console=console, disable=True)
        self._stopped = threading.Event()
        self._tenths = 0

    def start(self) -> None:
        """Begins to print."""
        self._stopped = threading.Event()
        threading.Thread(target=self._print_regularly, args=(self._stopped,), daemon=True).start()

    def stop(self) -> None:
        """Ends it."""
        self._stopped.set()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """See `Progress`."""
        super().update(task_id, **changes)
        tenths = int(self.tasks[0].percentage // 10)
        if tenths > self._tenths:
            self._print()
        if tenths > self._tenths or tenths == 0:
            self._tenths = tenths

    def _print_regularly(self, stopped: threading.Event) -> None:
        while not stopped.wait(PERIOD_S):
            if self.tasks:  # there is none yet where the machine is slow
                self._print()

    def _print(self) -> None:
        task = self.tasks[0]
        shown = [column(task) for column in self.columns if isinstance(column, ProgressColumn)]
        told = " ".join(text.plain for text in shown if isinstance(text, Text))
        # no night is lost because its log is full
        with contextlib.suppress(OSError, ValueError):
            print(f"progress: {task.percentage:.0f} %, {told}", file=self.console.file, flush=True)
