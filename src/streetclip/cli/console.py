"""What the terminal shows: our own log lines, without the noise of libraries."""

import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def show_log() -> None:
    """Print our log lines to standard output, one process speaking for all ranks."""
    rank = int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) or 0)
    local = int(os.environ.get("LOCAL_RANK", "0") or 0)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("streetclip")
    ours.handlers = [handler]
    ours.propagate = False
    ours.setLevel(logging.INFO if rank == 0 and local == 0 else logging.ERROR)
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Lightning 2.6.6 asks torch for a class that torch 2.15 has deprecated.
    warnings.filterwarnings("ignore", message=".*LeafSpec")
    # Advice about the number of workers, which the experiment file decides.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")


def table_console() -> "Console":
    """Where tables are printed: as wide as the terminal, or as any table in a file or a pipe.

    Nothing needs to fit a window there, and a folded number is none to look for.
    """
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=200)
