"""Loggers that survive a resume: CSV files that are cut back, and TensorBoard with its purge."""

import csv
import io
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.loggers.logger import Logger
from lightning_utilities.core.rank_zero import rank_zero_only

from streetclip.training.durable import LineLog

TIMING_PREFIX = "timing/"
"""Names that depend on the clock; they have a file of their own."""

METRICS_NAME = "metrics.csv"
TIMING_NAME = "timing.csv"

_FIRST = ("step", "epoch")


class CsvTable:
    """A CSV file that grows by rows, and by columns when a new name is logged.

    Numbers are written so that reading gives the same bits again. A new column rewrites the file,
    at once and durably; that happens a few times at a run's beginning.

    Args:
        path: The file; rows that it holds already are kept.

    Example:
        >>> import tempfile
        >>> table = CsvTable(Path(tempfile.mkdtemp()) / "metrics.csv")
        >>> table.append({"step": 0, "epoch": 0, "train/loss": 0.1 + 0.2})
        >>> table.append({"step": 1, "epoch": 0, "zeroshot/val/geoscore": 1500.0})
        >>> print(table.path.read_text(), end="")
        step,epoch,train/loss,zeroshot/val/geoscore
        0,0,0.30000000000000004,
        1,0,,1500.0
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = LineLog(path)
        self._columns: list[str] | None = None

    @property
    def name(self) -> str:
        """Of the file."""
        return self.path.name

    @property
    def rows(self) -> int:
        """Rows without the header."""
        return max(self._log.rows - 1, 0)

    def append(self, values: Mapping[str, Any]) -> None:
        """Add a row; names that are no column yet become columns, in the order given."""
        if self._columns is None:
            header = self._log.read()[:1]
            self._columns = next(csv.reader(header), [])
        new = [name for name in values if name not in self._columns]
        if new:
            self._widen(new)
        self._log.append(_line([values.get(name, "") for name in self._columns]))

    def cut(self, rows: int) -> None:
        """Keep the first so many rows, and all columns; without rows the file starts anew."""
        self._log.cut(rows + 1 if rows > 0 else 0)
        self._columns = None

    def sync(self) -> None:
        """Bring the rows to the disk."""
        self._log.sync()

    def _widen(self, new: Sequence[str]) -> None:
        self._columns = [*(self._columns or []), *new]
        body = self._log.read()[1:]
        self._log.rewrite([_line(self._columns), *(row + "," * len(new) for row in body)])


class CsvLogger(Logger):
    """Writes `metrics.csv` (values only) and `timing.csv` (what depends on the clock).

    `step` counts the optimiser steps taken before the value was known: rows of step 0 hold the
    first batch's loss and the evaluation before the first step, both of the untrained weights.
    Lightning's own CSVLogger deletes the file when a run resumes; here `RunCheckpoint` cuts the
    tables back to the rows that the checkpoint knew.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._metrics = CsvTable(folder / METRICS_NAME)
        self._timing = CsvTable(folder / TIMING_NAME)

    @property
    def tables(self) -> list[CsvTable]:
        """Both files."""
        return [self._metrics, self._timing]

    @property
    def name(self) -> str:
        """Nothing; the run's folder has a name already."""
        return ""

    @property
    def version(self) -> str:
        """Nothing, as `name`."""
        return ""

    @property
    def save_dir(self) -> str:
        """The run's folder."""
        return str(self._folder)

    @rank_zero_only
    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any
    ) -> None:
        """Do nothing: `config.yaml` has them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write one row to each file that has values."""
        first = {"step": 0 if step is None else step, "epoch": int(metrics.get("epoch", 0))}
        named = {name: value for name, value in metrics.items() if name not in _FIRST}
        for table, is_timing in ((self._metrics, False), (self._timing, True)):
            own = {k: v for k, v in named.items() if k.startswith(TIMING_PREFIX) is is_timing}
            if own:
                table.append({**first, **own})


def tensorboard_logger(folder: Path, *, resume_step: int | None = None) -> TensorBoardLogger:
    """TensorBoard's logger for a run folder.

    Args:
        folder: The run's folder; events go to its subfolder `tensorboard`.
        resume_step: Optimiser steps in the checkpoint of a resumed run: events of this step and
            later, which the killed run may have written, are hidden and will be written again.
    """
    return TensorBoardLogger(
        save_dir=folder,
        name="tensorboard",
        version="",
        purge_step=resume_step,
        default_hp_metric=False,
    )


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([_cell(value) for value in cells])
    return text.getvalue()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
