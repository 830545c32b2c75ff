"""The scripts for machines of 8 GPUs: their words, and torchrun with two ranks on a CPU."""

import csv
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.forkedranks import free_port
from tests.tinyrun import write_experiment

from streetclip.build.arithmetic import batches_of
from streetclip.build.dry_run import DryRun, dry_run
from streetclip.build.estimate import compute_of, input_of
from streetclip.config.load import load_experiment

FOLDER = REPOSITORY / "experiments" / "slurm"
OSV5M = "experiments/pretrain/osv5m_vit_l14_336.yaml"
MACHINES = {"one_node": 1, "four_nodes": 4}
SCRIPTS = sorted([*FOLDER.glob("*.sbatch"), *FOLDER.glob("*.sh")])
SIZED = [path for path in SCRIPTS if path.stem != "pretrain"]
PATIENCE_S = 240.0


def _machines(script: Path) -> int:
    return MACHINES[script.stem.removesuffix("_torchrun")]


def _header(script: Path) -> str:
    return script.read_text().partition("\n#SBATCH")[0].partition("\n\nset ")[0]


@pytest.fixture(scope="module")
def planned() -> DryRun:
    """The dry run on one machine of 8 devices."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(REPOSITORY)
        return dry_run(load_experiment(Path(OSV5M)))


def test_there_is_a_script_for_each_launcher_and_number_of_machines() -> None:
    names = {"pretrain.sbatch", "one_node.sbatch", "four_nodes.sbatch"}
    names |= {"one_node_torchrun.sh", "four_nodes_torchrun.sh"}
    assert {script.name for script in SCRIPTS} == names
    assert all(os.access(script, os.X_OK) for script in SCRIPTS if script.suffix == ".sh")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_bash_can_read_a_script_and_its_header_asks_and_answers(script: Path) -> None:
    read = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    header = _header(script)
    words = re.findall(r"^# (\w+): +\S", header, flags=re.MULTILINE)
    assert words == ["Question", "Command", "Cost", "Expected"]
    assert str(script.relative_to(REPOSITORY)) in header
    for named in re.findall(r"experiments/[\w/]+\.(?:yaml|sbatch|sh)", script.read_text()):
        assert (REPOSITORY / named).is_file() or "mine.yaml" in named


@pytest.mark.slow
@pytest.mark.parametrize("script", SIZED, ids=lambda path: path.name)
def test_a_header_says_what_the_dry_run_says(script: Path, planned: DryRun) -> None:
    text = " ".join(_header(script).replace("#", " ").split())
    b = batches_of(load_experiment(REPOSITORY / OSV5M), 8 * _machines(script))
    compute = compute_of(planned.cost, b, steps=planned.steps, tflops=790, utilization=0.5)
    need = input_of(b, compute, photo_kb=planned.input.photo_kb, photo_ms=planned.input.photo_ms)
    assert (b, compute, need) == (planned.batches, planned.compute, planned.input) or b.ranks == 32
    passes = "1 pass" if b.passes == 1 else f"{b.passes} passes"
    shared = f"{b.global_batch:,} photographs = {b.ranks} ranks x {passes} x {b.pass_rows}"
    hours = f"{compute.hours:.2f} hours at half of 790 TFLOP/s"
    assert f"{planned.steps:,} steps of {shared} take {hours}" in text
    rate = f"{need.photos_per_s:.0f} photographs/s, {need.mb_per_s:.0f} MB/s"
    assert f"each rank wants {rate} and {need.cores:.1f} cores" in text
    if b.ranks == 32:
        assert f"{planned.memory.gradients / 1e9:.1f} GB a step" in text


@pytest.mark.parametrize("name", MACHINES)
def test_a_job_asks_for_its_machines_and_hands_over(name: str, tmp_path: Path) -> None:
    script = FOLDER / f"{name}.sbatch"
    text = script.read_text()
    base = re.findall(r"^#SBATCH (.*)$", (FOLDER / "pretrain.sbatch").read_text(), re.MULTILINE)
    ours = re.findall(r"^#SBATCH (.*)$", text, re.MULTILINE)
    differing = [line for line in ours if line not in base]
    assert f"--nodes={MACHINES[name]}" in ours
    assert {line.partition("=")[0] for line in differing} <= {"--nodes", "--time"}
    # The script that does the work is replaced by one that says what it was given.
    (tmp_path / "experiments" / "slurm").mkdir(parents=True)
    told = 'echo "$EXPERIMENT" "$@"\n'
    (tmp_path / "experiments" / "slurm" / "pretrain.sbatch").write_text(told)
    for given, expected in (({}, OSV5M), ({"EXPERIMENT": "mine.yaml"}, "mine.yaml")):
        environment = {"PATH": os.environ["PATH"], **given}
        words = ["bash", str(script), "seed=3", "name=a b"]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, check=True)
        assert done.stdout.decode() == f"{expected} seed=3 name=a b\n"


def _start(folder: Path, script: str, runs: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        ["bash", str(FOLDER / script), f"runs_dir={folder}/{runs}", "trainer.loggers=[csv]"],
        env={
            **os.environ,
            **variables,
            "PYTHONPATH": str(REPOSITORY / "src"),
            "OMP_NUM_THREADS": "1",
            "EXPERIMENT": str(folder / "tiny.yaml"),
            "TORCHRUN": str(folder / "torchrun"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def _finish(process: "subprocess.Popen[str]") -> None:
    try:
        printed = process.communicate(timeout=PATIENCE_S)[0]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert process.returncode == 0, printed


def _losses(folder: Path, runs: str) -> list[float]:
    with (folder / runs / "tiny" / "001" / "metrics.csv").open(newline="") as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]]


@pytest.mark.slow
@pytest.mark.distributed
@pytest.mark.timeout(900)
def test_torchrun_starts_two_ranks_on_one_machine_or_one_on_each_of_two(tmp_path: Path) -> None:
    write_experiment(tmp_path)
    launcher = tmp_path / "torchrun"
    launcher.write_text(
        f'#!/usr/bin/env bash\nexec "{sys.executable}" -m torch.distributed.run "$@"\n'
    )
    launcher.chmod(0o755)
    _finish(_start(tmp_path, "one_node_torchrun.sh", "one", GPUS="2"))
    meeting = {
        "GPUS": "1",
        "NODES": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
    }
    nodes = [
        _start(tmp_path, "four_nodes_torchrun.sh", "two", **meeting, NODE_RANK=str(rank))
        for rank in (0, 1)
    ]
    for node in nodes:
        _finish(node)
    assert len(_losses(tmp_path, "one")) == 10
    assert _losses(tmp_path, "one") == _losses(tmp_path, "two")


@pytest.mark.parametrize("missing", ["MASTER_ADDR", "NODE_RANK"])
def test_machines_without_a_meeting_place_are_refused(missing: str, tmp_path: Path) -> None:
    given = {"MASTER_ADDR": "127.0.0.1", "NODE_RANK": "0", "PATH": os.environ["PATH"]}
    given.pop(missing)
    words = ["bash", str(FOLDER / "four_nodes_torchrun.sh")]
    done = subprocess.run(words, cwd=tmp_path, env=given, capture_output=True, check=False)
    assert done.returncode != 0
    assert f"{missing}: " in done.stderr.decode()
