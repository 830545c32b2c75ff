"""The page that says which faults were injected, and what became of them."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tests.faults.tally import Tally, total

from streetclip import __version__

_PAGE = """\
# Faults injected, and what became of them

`make faults` writes this page. {began}, streetclip {version}, {machine}.

| test | injected | survived | lost | repeated | differing | seconds |
| --- | --- | --- | --- | --- | --- | --- |
{table}

{kills} of the {injected} faults were killed processes or signals. A run is compared with the same
run undisturbed: *lost* and *repeated* are samples of (epoch, step) that it has not seen or seen too
often, *differing* are lines of `metrics.csv` and `samples.jsonl`, and weights, averages, optimizer
states, schedules and counters of its newest and best checkpoint, whose bits are not the same.

{texts}
"""
_FAILED = "\n## Not survived\n\n{failures}\n"


@dataclass(frozen=True)
class Row:
    """One fault test.

    Args:
        name: Such as `R1`.
        text: What is injected, and what counts as survived.
        tally: What came of it; None where it has not run.
    """

    name: str
    text: str
    tally: Tally | None = None


def render(rows: Sequence[Row], *, began: str, machine: str) -> str:
    """The page in Markdown.

    Args:
        rows: In the order of the page.
        began: Date of the run.
        machine: In words.
    """
    everything = total(row.tally for row in rows if row.tally is not None)
    page = _PAGE.format(
        began=began,
        version=__version__,
        machine=machine,
        table="\n".join(
            [*(_cells(row.name, row.tally) for row in rows), _cells("sum", everything)]
        ),
        kills=everything.kills,
        injected=everything.injected,
        texts="\n\n".join(map(_text, rows)),
    )
    if everything.failures:
        page += _FAILED.format(failures="\n".join(f"- {text}" for text in everything.failures))
    return page


def describe_machine() -> str:
    """Processor, cores and versions, without a name that only its owner knows."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    processor = found[1].strip() if found else platform.machine()
    python = f"Python {platform.python_version()}, torch {torch.__version__.partition('+')[0]}"
    return f"{os.cpu_count()} cores ({processor}), {platform.system()}, {python}"


def _text(row: Row) -> str:
    notes = row.tally.notes if row.tally is not None else ()
    return f"**{row.name}** {row.text}" + "".join(f" *Not in this run:* {note}" for note in notes)


def _cells(name: str, tally: Tally | None) -> str:
    if tally is None:
        return f"| {name} | not run | | | | | |"
    counts = (tally.injected, tally.survived, tally.lost, tally.repeated, tally.differing)
    return " | ".join([f"| {name}", *map(str, counts), f"{tally.seconds:.0f} |"])
