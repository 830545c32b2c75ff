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


def _nothing(_stage: str, _done: int, _total: int) -> None:
    return
