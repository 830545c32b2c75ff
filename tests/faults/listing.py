"""The fault tests of this folder: one file each, named `rNN_what_it_does.py`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from tests.faults.scale import Scale
from tests.faults.tally import Tally

NAMES = tuple(f"R{number}" for number in range(1, 16))


@dataclass(frozen=True)
class FaultTest:
    """One fault test.

    Args:
        text: What it injects, and what counts as survived, in a line.
        run: Runs it; takes how much of it, and the folder of the whole harness.
    """

    text: str
    run: Callable[[Scale, Path], Tally]


def fault_tests() -> Mapping[str, FaultTest]:
    """Those that are there, by name, in order."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("r[0-9][0-9]_*.py")):
        module = import_module(f"tests.faults.{file.stem}")
        text = re.sub(r"\s+", " ", module.__doc__ or "").strip()
        found[f"R{int(file.stem[1:3])}"] = FaultTest(text, module.run)
    return found
