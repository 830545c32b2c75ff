"""What the terminal shows: our own log lines, without the noise of libraries."""

import logging
import os
import sys
import warnings


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
