"""What a person sees while a command works: a bar, or lines where there is no terminal."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from emonet.cli.console import stdout
from emonet.cli.off_terminal import ProgressLines
from model.training.progress import Epoch
from model.training.progress import Progress as TrainingProgress

_TELLING = ("look_through", "slices", "stages.read", "stages.encode")
"""Modules that log what a job reads and labels."""


@contextlib.contextmanager
def job_progress() -> Iterator[None]:
    """A progress line fed by what the job logs of episodes read and encoded."""
    with _episode_progress() as progress:
        task = progress.add_task("", total=None, episodes=0, known=0)
        watcher = _StageWatcher(progress, task)
        loggers = [logging.getLogger(f"beam_pipeline.{name}") for name in _TELLING]
        for logger in loggers:
            logger.setLevel(logging.INFO)
            logger.addHandler(watcher)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(watcher)


@contextlib.contextmanager
def engine_muted(verbose: bool) -> Iterator[None]:
    """Keeps the traces to itself that an engine's workers print, with text of the corpus in them.

    After an interrupt it stays so, for the workers are cut off one by one.
    """
    if verbose:
        yield
        return
    told, sys.stderr = sys.stderr, io.StringIO()
    try:
        yield
    except Exception:
        sys.stderr = told
        raise
    sys.stderr = told


class _StageWatcher(logging.Handler):
    """Adds up what the stages log. Engines whose workers are elsewhere log elsewhere."""

    def __init__(self, progress: Progress, task: TaskID):
        super().__init__()
        self.progress, self.task = progress, task
        self.counting = threading.Lock()
        self.known = self.utterances = self.episodes = self.done = 0

    def emit(self, record: logging.LogRecord) -> None:
        utterances = getattr(record, "utterances", 0)
        with self.counting:
            match record.msg:
                case "read":
                    self.known += 1
                    self.utterances += utterances
                case "planned":  # without what was read and is not labelled
                    self.known, self.utterances = getattr(record, "episodes", 0), utterances
                case _:
                    self.episodes += getattr(record, "episodes", 1)
                    self.done += utterances
            self.progress.update(
                self.task,
                total=self.utterances,
                completed=self.done,
                episodes=self.episodes,
                known=self.known,
            )


def _progress(*columns: ProgressColumn) -> Progress:
    """A bar on the terminal, or lines where there is none."""
    # not one of the module's, which would be muted with the engine
    console = Console(file=sys.stderr, soft_wrap=True)
    if not console.is_terminal:
        return ProgressLines(*columns, console=console)
    return Progress(
        *columns, console=console, redirect_stdout=False, redirect_stderr=False, transient=True
    )


def _episode_progress() -> Progress:
    return _progress(
        TextColumn("labelling"),
        BarColumn(),
        TextColumn("{task.fields[episodes]}/{task.fields[known]} episodes,"),
        MofNCompleteColumn(),
        TextColumn("utterances,"),
        _Rate(),
        TimeRemainingColumn(),
    )


class _Rate(ProgressColumn):
    """Utterances a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}/s" if task.speed else "-/s")


class StepProgress(TrainingProgress):
    """A bar over steps, and lines of the result above it."""

    def __init__(self, progress: Progress):
        self.progress = progress
        self.task = progress.add_task("", total=None)

    def advance(self, done: int, total: int) -> None:
        """Moves the bar."""
        self.progress.update(self.task, completed=done, total=total)

    def say(self, line: str) -> None:
        """Prints a line where results go, which may be the terminal that the bar is drawn on."""
        self.progress.stop()
        stdout.print(line)
        self.progress.start()


class _EpochLines(StepProgress):
    """A bar over steps, and a line for each step of the recipe and each epoch."""

    def begin(self, step: str) -> None:
        """A line before the step."""
        self.say(f"training: {step}")

    def resumed(self, number: int | None) -> None:
        """A line before the epoch."""
        self.say(f"going on with epoch {number}" if number else "nothing is left to train")

    def finished(self, epoch: Epoch) -> None:
        """A line after the epoch."""
        classes = ", ".join(f"{label} {f1:.1f}" for label, f1 in epoch.dev_f1.items())
        self.say(
            f"epoch {epoch.number}: loss {epoch.loss:.3f}, dev weighted F1 {epoch.dev:.2f}"
            f"{f' ({classes})' if classes else ''}"
        )


@contextlib.contextmanager
def step_progress(what: str, *, epochs: bool = False) -> Iterator[StepProgress]:
    """A bar over steps, until the block ends; with lines of what a training does, if asked for."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _progress(*columns) as progress:
        yield (_EpochLines if epochs else StepProgress)(progress)
