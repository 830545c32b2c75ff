"""The SLURM script, with stand-ins for `srun` and `scontrol` that start two tasks here."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.forkedranks import free_port
from tests.tinyrun import write_experiment

SCRIPT = REPOSITORY / "experiments" / "slurm" / "pretrain.sbatch"
PATIENCE_S = 240.0
SRUN = """#!/usr/bin/env bash
shift
for rank in 0 1; do
  SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_NODEID=0 "$@" &
  echo $! >> "$TASKS"
done
worst=0
while read -r task; do
  wait "$task"
  code=$?
  [ "$code" -gt "$worst" ] && worst=$code
done < "$TASKS"
exit "$worst"
"""
SCONTROL = """#!/usr/bin/env bash
if [ "$1" = show ]; then echo 127.0.0.1; else echo "$@" >> "$REQUEUED"; fi
"""


@dataclass(frozen=True)
class Cluster:
    """A folder with the stand-ins, an experiment, and what they write."""

    folder: Path
    port: int

    @property
    def runs(self) -> Path:
        """Where runs are written."""
        return self.folder / "runs"

    @property
    def requeued(self) -> str:
        """What `scontrol` was asked, besides for the names of machines."""
        asked = self.folder / "requeued"
        return asked.read_text() if asked.exists() else ""

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Run the script as SLURM would, in a process group of its own."""
        tasks = self.folder / "tasks"
        tasks.unlink(missing_ok=True)
        slurm = {"JOB_ID": "4711", "JOB_NAME": "streetclip", "JOB_NODELIST": "here", "NNODES": "1"}
        slurm |= {"NTASKS": "2", "NTASKS_PER_NODE": "2", "NODELIST": "127.0.0.1"}
        environment = {
            **os.environ,
            **{f"SLURM_{name}": value for name, value in slurm.items()},
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY / "src"),
            "OMP_NUM_THREADS": "1",
            "MASTER_PORT": str(self.port),
            "EXPERIMENT": str(self.folder / "tiny.yaml"),
            "STREETCLIP": str(self.folder / "streetclip"),
            "TASKS": str(tasks),
            "REQUEUED": str(self.folder / "requeued"),
        }
        return subprocess.Popen(
            ["bash", str(SCRIPT), "trainer.loggers=[csv]", *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def ask_to_leave(self) -> None:
        """Send SIGUSR1 to each task once there is a second row of metrics."""
        log, give_up = self.runs / "tiny" / "001" / "metrics.csv", time.monotonic() + PATIENCE_S
        while not log.exists() or len(log.read_text().splitlines()) < 4:
            assert time.monotonic() < give_up, "no step was taken"
            time.sleep(0.02)
        for task in (self.folder / "tasks").read_text().split():
            os.kill(int(task), signal.SIGUSR1)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    python = f'#!/usr/bin/env bash\nexec "{sys.executable}" -m streetclip "$@"\n'
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("streetclip", python)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    write_experiment(tmp_path)
    return Cluster(tmp_path, free_port())


def _finish(process: "subprocess.Popen[str]") -> tuple[int, str]:
    try:
        printed = process.communicate(timeout=PATIENCE_S)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return process.returncode, printed


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.timeout(900)
def test_a_preempted_job_is_requeued_and_its_next_start_ends_as_if_undisturbed(
    cluster: Cluster,
) -> None:
    words = ("data.sample_world.photos=240", "trainer.max_epochs=2")
    code, printed = _finish(cluster.start(f"runs_dir={cluster.folder}/undisturbed", *words))
    assert (code, cluster.requeued) == (0, ""), printed
    job = cluster.start(*words)
    cluster.ask_to_leave()
    code, printed = _finish(job)
    assert (code, cluster.requeued) == (85, "requeue 4711\n"), printed
    run = cluster.runs / "tiny" / "001"
    assert json.loads((run / "status.json").read_text())["status"] == "preempted"
    code, printed = _finish(cluster.start(*words))
    assert (code, cluster.requeued) == (0, "requeue 4711\n"), printed
    assert [path.name for path in run.parent.iterdir()] == ["001"]
    for name in ("metrics.csv", "samples.jsonl"):
        other = cluster.folder / "undisturbed" / "tiny" / "001" / name
        assert (run / name).read_text() == other.read_text(), name


@pytest.mark.distributed
def test_a_job_that_fails_otherwise_is_not_requeued(cluster: Cluster) -> None:
    code, printed = _finish(cluster.start("optim.lr=fast"))
    assert (code, cluster.requeued) == (2, ""), printed
    assert "optim.lr must be a number; got: 'fast'" in printed


def test_the_script_opens_with_question_command_cost_and_expected_result() -> None:
    header = SCRIPT.read_text().split("#SBATCH")[0]
    words = re.findall(r"^# (\w+): +\S", header, flags=re.MULTILINE)
    assert words == ["Question", "Command", "Cost", "Expected"]
