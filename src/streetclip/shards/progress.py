"""Progress bars on the terminal, or nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

OnProgress = Callable[[str, int, int], None]


@contextmanager
def progress_bars(*, show: bool) -> Iterator[OnProgress]:
    """A bar for each stage of a long task, on standard error.

    Args:
        show: False gives a function that does nothing.

    Yields:
        A function to call with the stage, how many are done, and how many there are.

    Example:
        >>> with progress_bars(show=False) as on_progress:
        ...     on_progress("write", 1, 2)
    """
    if not show:
        yield _nothing
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        stages = {}

        def on_progress(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done, total=total)

        yield on_progress


class Tally:
    """Counts what is done of a stage; one process speaks for several that do as much.

    Args:
        on_progress: From `progress_bars`.
        stage: What the bar is called.
        total: How many there are.
        world: Processes that share the work out.

    Example:
        >>> tally = Tally(lambda *said: print(*said), "embed", 5, world=2)
        >>> tally(2), tally(1)
        embed 4 5
        embed 5 5
        (None, None)
    """

    def __init__(self, on_progress: OnProgress, stage: str, total: int, world: int = 1) -> None:
        self._tell = on_progress
        self._stage = stage
        self._total = total
        self._world = world
        self._done = 0

    def __call__(self, count: int) -> None:
        """So many more are done, here."""
        self._done += count * self._world
        self._tell(self._stage, min(self._done, self._total), self._total)


def _nothing(_stage: str, _done: int, _total: int) -> None:
    return
