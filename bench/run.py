"""Runs every bench by its own command, and writes their figures into `bench/README.md`.

    python bench/run.py [NAME ...] [--quick] [--no-table]

A name is a file without its ending, as `loader`; none runs all. `--quick` takes the small sizes,
which show that a bench works and measure little: then nothing is written. The exit code is 1 where
a bar is missed, or a bench fails or takes longer than its limit.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from figures import JSON_VARIABLE
from table import Row, replaced, row_of, rows_between, with_table

HERE = Path(__file__).parent
TABLE = HERE / "README.md"
PACKAGES = ("torch", "torchvision", "open_clip_torch", "lightning", "webdataset", "pillow", "numpy")


@dataclass(frozen=True)
class Bench:
    """One command.

    Args:
        command: File and arguments.
        limit_s: It is ended after this time.
        quick: Arguments that make it small.
        needs_gpu: Passed over without one.
    """

    command: str
    limit_s: int
    quick: str = ""
    needs_gpu: bool = False

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.command.partition(".")[0]


BENCHES = (
    Bench("loader.py", 240, "--photos 200 --rounds 1 --memory-photos 0"),
    Bench("checks.py", 90, "--photos 64 --rounds 1"),
    Bench("tokens.py", 120, "--captions 500 --rounds 1"),
    Bench("trainer.py", 240, "--photos 64 --rounds 1"),
    Bench("accumulation.py", 420, "--passes 3 --rows 8 --width 32 --rounds 1 --processes 1"),
    Bench("memory.py", 180, "--photos 40"),
    Bench("ddp.py", 120),
    Bench("losses.py", 90, "--rows 128 --rounds 2"),
    Bench("zeroshot.py", 120, "--photos 100 --texts 8 --rounds 1"),
    Bench("spread.py", 90),
    Bench("shards_build.py", 480, "--photos 40 --rounds 1"),
    Bench("shards_read.py", 120, "--photos 64"),
    Bench("plan.py", 90, "--samples 1000000"),
    Bench("remote.py", 90, "--photos 64 --rounds 1"),
    Bench("locate.py", 60, "--points 20000"),
    Bench("decoding.py", 90, "--photos 100"),
    Bench("leaks.py", 120, "--scenes 6 --train 20000 --benchmark 100"),
    Bench("sample_world.py", 180, "--photos 200 --val-photos 60"),
    Bench("estimate.py", 120, "--model experiments/models/tiny_vit_64.json"),
    Bench("gpu.py", 600, needs_gpu=True),
)


def main() -> int:
    """Run what is asked for, and say what did not go well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-table", action="store_true")
    given = parser.parse_args()
    known = {bench.name for bench in BENCHES}
    if unknown := sorted(set(given.names) - known):
        parser.error(f"no such bench: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    rows, problems = list[Row](), list[str]()
    began = time.monotonic()
    for bench in BENCHES:
        if given.names and bench.name not in given.names:
            continue
        if reason := passed_over(bench):
            print(f"== {bench.command}: passed over, {reason}", flush=True)
            if given.names:
                problems.append(f"{bench.command}: {reason}")
            continue
        found, problem = run(bench, quick=given.quick)
        rows += found
        problems += [problem] if problem else []
    print(f"\n{len(rows)} figures in {(time.monotonic() - began) / 60:.1f} minutes")
    if rows and not (given.quick or given.no_table):
        text = TABLE.read_text(encoding="utf-8")
        kept = replaced(rows_between(text), rows, [bench.command for bench in BENCHES])
        TABLE.write_text(with_table(text, kept, machine=machine()), encoding="utf-8")
        print(f"written to {TABLE}")
    for problem in problems:
        print(f"NOT HELD: {problem}", file=sys.stderr)
    return int(bool(problems))


def passed_over(bench: Bench) -> str | None:
    """Why a bench is not run, if it is not."""
    if not (HERE / bench.command.split()[0]).is_file():
        return "its file is not there"
    if bench.needs_gpu:
        import torch

        return None if torch.cuda.is_available() else "no CUDA device"
    return None


def run(bench: Bench, *, quick: bool) -> tuple[list[Row], str | None]:
    """One bench in a process of its own: its rows, and what is wrong."""
    words = [*bench.command.split(), *(bench.quick.split() if quick else [])]
    print(f"== {' '.join(words)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "figures.jsonl"
        environment = os.environ | {JSON_VARIABLE: str(lines)}
        command = [sys.executable, str(HERE / words[0]), *words[1:]]
        try:
            code = subprocess.run(
                command, env=environment, timeout=bench.limit_s, check=False
            ).returncode
            problem = f"{bench.command} ended with exit code {code}" if code else None
        except subprocess.TimeoutExpired:
            problem = f"{bench.command} took longer than {bench.limit_s} s"
        text = lines.read_text(encoding="utf-8") if lines.is_file() else ""
    figures = [json.loads(line) for line in text.splitlines()]
    date = datetime.now(UTC).date().isoformat()
    if problem is None and not figures:
        problem = f"{bench.command} reported no figure"
    if missed := [f"{f['what']} ({f['ours']}, bar {f['bar']})" for f in figures if not f["ok"]]:
        problem = f"{bench.command}: {'; '.join(missed)}"
    return [row_of(figure, command=bench.command, date=date) for figure in figures], problem


def machine() -> str:
    """The processor and the libraries, in a sentence."""
    return sentence(processor(), os.cpu_count() or 1, platform.python_version(), installed())


def sentence(name: str, cores: int, python: str, packages: Sequence[str]) -> str:
    """What the table says of where it was measured.

    Args:
        name: Of the processor.
        cores: Of the machine.
        python: Its version.
        packages: Names with versions.
    """
    return f"Last written on {name}, {cores} cores, Python {python}, {', '.join(packages)}."


def processor() -> str:
    """The name of the processor, as far as the machine tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def installed() -> list[str]:
    """The libraries that decide speed, with their versions."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main())
