"""Every bench that needs neither a network nor a GPU runs to its end and reports its figures."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = re.findall(r'Bench\("(\w+)\.py"', (ROOT / "bench" / "run.py").read_text(encoding="utf-8"))
ELSEWHERE = {
    "loader": "its peer is installed from the network",
    "trainer": "its peer is installed from the network",
    "gpu": "test_gpu.py",
}


def test_every_bench_of_the_list_has_its_file() -> None:
    assert len(NAMES) > 15
    assert set(ELSEWHERE) < set(NAMES)
    assert [name for name in NAMES if not (ROOT / "bench" / f"{name}.py").is_file()] == []


@pytest.mark.slow  # two minutes
@pytest.mark.timeout(1200)
def test_each_runs_to_its_end_in_its_small_size() -> None:
    table = (ROOT / "bench" / "README.md").read_bytes()
    names = [name for name in NAMES if name not in ELSEWHERE]
    run = subprocess.run(
        [sys.executable, "bench/run.py", "--quick", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # In a small size a bar may be missed: then the figure is named, and nothing else is wrong.
    assert "Traceback" not in run.stderr, run.stderr
    broken = r"ended with exit code|took longer than|reported no figure|passed over"
    assert not re.search(broken, run.stderr + run.stdout), run.stderr
    assert len(re.findall(r"^== ", run.stdout, re.MULTILINE)) == len(names)
    assert (ROOT / "bench" / "README.md").read_bytes() == table
