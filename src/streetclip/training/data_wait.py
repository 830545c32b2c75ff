"""How much of each step the run waits for its photographs, and a word where that is much."""

import logging
import os
import time
from collections import deque
from typing import Any

import lightning.pytorch as pl

from streetclip.data.waiting import waited_s

NAME = "timing/data_wait_share"
WINDOW_STEPS = 50
MUCH = 0.2

_log = logging.getLogger(__name__)


class DataWait(pl.Callback):
    """Logs the share of each step that went into waiting for its batch.

    A step is its wait and its work. The wait is counted where the loader's next batch is asked for,
    so that neither a batch that was fetched ahead nor an evaluation or a checkpoint between two
    steps is taken for one. Without loader processes a wait is the time in which the batch is made.

    Where the last `window` steps waited for more than the share `much` of their time, one warning
    says so and what helps. The first step of an epoch, in whose wait loader processes start, does
    not count there.

    Each of several ranks looks at its own loader, warns of it by its number, and sends the others
    nothing. Loggers write what rank zero has seen: where another rank is late, rank zero waits for
    it in its work, which is no wait for photographs here.

    Args:
        window: Steps.
        much: 0 to 1.
    """

    def __init__(self, *, window: int = WINDOW_STEPS, much: float = MUCH) -> None:
        self.window = window
        self.much = much
        self._waited_s = 0.0
        self._wait_s = 0.0
        self._begun_s = 0.0
        self._is_first = True
        self._has_warned = False
        self._steps: deque[tuple[float, float]] = deque(maxlen=window)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """What was waited for before belongs to no step."""
        self._waited_s = waited_s("batch")

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The next step starts the loader."""
        self._is_first = True

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """The wait is over, and the work begins."""
        waited = waited_s("batch")
        self._wait_s, self._waited_s = waited - self._waited_s, waited
        self._begun_s = time.perf_counter()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Log the share, and warn once where it stays high."""
        whole_s = self._wait_s + time.perf_counter() - self._begun_s
        pl_module.log(NAME, self._wait_s / whole_s)
        if not self._is_first:
            self._steps.append((self._wait_s, whole_s))
        self._is_first = False
        if not self._has_warned and len(self._steps) == self.window:
            waits_s, wholes_s = map(sum, zip(*self._steps, strict=True))
            if waits_s > self.much * wholes_s:
                self._has_warned = True
                self._warn(trainer, waits_s / wholes_s)

    def _warn(self, trainer: pl.Trainer, share: float) -> None:
        whose = f" of rank {trainer.global_rank}" if trainer.world_size > 1 else ""
        workers = int(getattr(_data(trainer), "workers", 0))
        _log.warning(
            "the last %d steps%s waited for photographs for %.0f %% of their time: %s "
            "(timing.csv has the share of each step%s)",
            self.window,
            whose,
            100 * share,
            advice(workers, cores()),
            " on rank 0" if whose else "",
        )


def cores() -> int:
    """The processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def advice(workers: int, cores: int) -> str:
    """What makes the input faster.

    Args:
        workers: Loader processes of this rank.
        cores: That the rank may use.

    Example:
        >>> advice(2, 16)
        'set data.workers above 2, as this rank may use 16 cores'
        >>> advice(15, 16)
        'the 16 cores are busy; build the shards with smaller photographs (--max-side-px)'
    """
    if workers + 1 < cores:
        return f"set data.workers above {workers}, as this rank may use {cores} cores"
    return f"the {cores} cores are busy; build the shards with smaller photographs (--max-side-px)"


def _data(trainer: pl.Trainer) -> Any:
    return getattr(trainer, "datamodule", None)
