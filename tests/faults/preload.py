"""What every forked run would otherwise import and read anew, which takes longer than its steps."""

from importlib import import_module
from pathlib import Path

import torch
from tests.forkedrun import PROTOCOL

from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.protocol import load_protocol

_IMPORTED_LATE = (
    "omegaconf",
    "pandas",
    "matplotlib.backends.backend_agg",
    "streetclip.report.write",
)


def preload(work: Path) -> None:
    """Import what the parts of a run import when they are first used, and read the places.

    Args:
        work: Folder of the whole harness.
    """
    # A forked process must not wait for threads that only its parent has.
    torch.set_num_threads(1)
    for name in _IMPORTED_LATE:
        import_module(name)
    protocol = work / "protocol.yaml"
    protocol.write_text(PROTOCOL)
    build_candidates(load_protocol(str(protocol)))
