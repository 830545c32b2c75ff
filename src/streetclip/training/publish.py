"""What a run shows of an evaluation: a result folder, a table in the log, a map in TensorBoard."""

import io
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.loggers.logger import Logger
from PIL import Image
from rich.console import Console

from streetclip.evaluation.result import Result, write_result
from streetclip.report.tables import terminal_table
from streetclip.report.write import MAP_FILE, write_report

_WIDTH = 100
"""Columns of a printed table, wherever it is printed."""

_log = logging.getLogger(__name__)


def save_result(result: Result, folder: Path) -> None:
    """Write the result folder: values, predictions, report and map.

    Args:
        result: Of an evaluation.
        folder: Made if it does not exist; a result that lies there is replaced.
    """
    write_result(result, folder)
    write_report(result, folder)


def show_table(result: Result, *, title: str) -> None:
    """Write the table of a result to the log.

    Args:
        result: Of an evaluation.
        title: When it was made, such as ``"epoch=001"``.
    """
    text = io.StringIO()
    Console(file=text, width=_WIDTH).print(terminal_table(result))
    _log.info("%s\n%s", title, text.getvalue().rstrip())


def tensorboards(loggers: Iterable[Logger]) -> list[TensorBoardLogger]:
    """Those of the loggers that are TensorBoard's."""
    return [logger for logger in loggers if isinstance(logger, TensorBoardLogger)]


def show_map(boards: Iterable[TensorBoardLogger], folder: Path, name: str, *, step: int) -> None:
    """Send the map of a result folder to TensorBoard.

    Args:
        boards: From `tensorboards`.
        folder: The result folder.
        name: Of the set.
        step: Optimiser steps before the evaluation.
    """
    if (folder / MAP_FILE).is_file():
        with Image.open(folder / MAP_FILE) as image:
            pixels = np.asarray(image.convert("RGB"))
        for board in boards:
            board.experiment.add_image(f"map/{name}", pixels, step, dataformats="HWC")
