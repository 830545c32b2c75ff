"""The bench of a CUDA device says that it is skipped without one, and all of it runs on a CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


def _bench(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "bench/gpu.py", *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="it would measure for minutes")
def test_without_cuda_it_says_so_and_fails_nothing() -> None:
    answer = _bench()
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "skipped, as there is no CUDA device" in answer.stdout


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_of_it_runs_on_a_cpu_and_its_figures_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "figures.jsonl"
    answer = _bench("--device", "cpu", "--small", STREETCLIP_BENCH_JSON=str(file))
    assert answer.returncode == 0, answer.stderr
    figures = [json.loads(line) for line in file.read_text().splitlines()]
    what = [figure["what"] for figure in figures]
    speeds = [figure for figure in figures if figure["what"].startswith("pairs a second")]
    assert [name.removeprefix("pairs a second, small, 8 pairs") for name in what[:3]] == [
        "",
        ", checkpointed",
        ", cached in passes of 2",
    ]
    assert all(figure["ratio"] > 0 and "TFLOP/s" in figure["ours"] for figure in speeds)
    assert sum("waiting for photographs" in name for name in what) == 1
    exact = [figure for figure in figures if "after a resume" in figure["what"]]
    assert exact
    assert all(figure["ours"].startswith("0 of ") and figure["ok"] for figure in exact)
