"""Injects faults into runs, for about an hour, and writes what became of them to bench/faults.md.

    python -m tests.faults [R1 R8 ...] [--scale full] [--out FILE] [--work FOLDER]

Tests that are named only print their table. The exit code is 0 if every fault was survived.
"""

import argparse
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.listing import NAMES, FaultTest, fault_tests
from tests.faults.preload import preload
from tests.faults.report import Row, describe_machine, render
from tests.faults.scale import Scale
from tests.faults.tally import Tally

_log = logging.getLogger("tests.faults")

PAGE = Path("bench/faults.md")


def main() -> int:
    """Run the tests that are asked for."""
    arguments = _parser().parse_args()
    # So that the processes that were started end with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    _log.setLevel(logging.INFO)
    page = arguments.out or (None if arguments.names else PAGE)
    work = _new_folder(arguments.work)
    preload(work)
    rows = _run(arguments.names or NAMES, Scale(arguments.scale), work, page)
    if all(row.tally is not None and row.tally.is_clean for row in rows):
        shutil.rmtree(work)
        return 0
    _log.error("not everything was survived; what is left lies in %s", work)
    return 1


def _new_folder(name: Path | None) -> Path:
    """A folder that holds nothing of anybody, as it is deleted in the end."""
    if name is None:
        return Path(tempfile.mkdtemp(prefix="streetclip-faults-"))
    name.mkdir(parents=True)
    return name.resolve()


def _run(names: Sequence[str], scale: Scale, work: Path, page: Path | None) -> list[Row]:
    """The rows of the tests; the page is written anew after each, so that no crash loses one."""
    found, began = fault_tests(), datetime.now(UTC).strftime("%Y-%m-%d")
    rows = [Row(name, found[name].text if name in found else "Not written yet.") for name in names]
    for number, row in enumerate(rows):
        if row.name in found:
            _log.info("%s: %s", row.name, row.text)
            rows[number] = replace(row, tally=_timed(found[row.name], scale, work))
        text = render(rows, began=began, machine=describe_machine())
        if page is not None:
            page.write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return rows


def _timed(test: FaultTest, scale: Scale, work: Path) -> Tally:
    started = time.monotonic()
    try:
        tally = test.run(scale, work)
    except (AssertionError, OSError) as error:  # an undisturbed run has failed, or hangs
        _log.exception("the test itself has failed")
        tally = Tally(failures=(repr(error),))
    return replace(tally, seconds=time.monotonic() - started)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", type=_name, metavar="NAME", help="R1 to R15")
    parser.add_argument("--scale", choices=[scale.value for scale in Scale], default="full")
    parser.add_argument("--out", type=Path, help=f"the page; default {PAGE} if no test is named")
    parser.add_argument("--work", type=Path, help="a new folder for runs; default a temporary one")
    return parser


def _name(word: str) -> str:
    if word not in NAMES:
        raise argparse.ArgumentTypeError(f"{word!r} is none of {', '.join(NAMES)}")
    return word


if __name__ == "__main__":
    sys.exit(main())
