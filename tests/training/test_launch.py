import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from streetclip.errors import InputError, StreetclipError
from streetclip.training.launch import decide, find_ranks

NAMES = ("LOCAL_RANK", "NODE_RANK", "RANK", "WORLD_SIZE", "STREETCLIP_DECIDED")
SLURM = {
    "SLURM_NTASKS": "2",
    "SLURM_NTASKS_PER_NODE": "2",
    "SLURM_JOB_NAME": "train",
    "SLURM_NODELIST": "127.0.0.1",
}


def meet(folder: Path) -> None:
    """Write what this rank was told, then meet the others as Lightning does."""
    calls = []

    def work(answer: Any, error: Exception | None = None) -> Any:
        calls.append(answer)
        time.sleep(0.3)
        if error:
            raise error
        return answer

    told = {"a": decide("a", lambda: work({"run": "001"}))}
    try:
        decide("b", lambda: work(None, InputError("no such source: x")))
    except InputError as error:
        told["error"] = str(error)
    told["c"] = decide("c", lambda: work([1, 2]))
    told["calls"] = len(calls)
    environment = find_ranks().environment
    assert environment is not None
    os.environ |= {"MASTER_ADDR": environment.main_address}
    os.environ |= {"MASTER_PORT": str(environment.main_port)}
    rank, world = environment.global_rank(), environment.world_size()
    dist.init_process_group("gloo", rank=rank, world_size=world)
    told["world"] = dist.get_world_size()
    (folder / f"{rank}.json").write_text(json.dumps(told))
    dist.destroy_process_group()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*NAMES, *(n for n in os.environ if n.startswith(("TORCHELASTIC", "SLURM")))]:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_process_alone_decides_and_tells_those_that_it_starts(
    environment: pytest.MonkeyPatch,
) -> None:
    assert decide("run", lambda: {"folder": "001"}) == {"folder": "001"}
    assert decide("sources", lambda: [1]) == [1]
    environment.setenv("LOCAL_RANK", "1")

    def never() -> None:
        raise AssertionError("rank 1 must not decide")

    assert decide("run", never) == {"folder": "001"}
    assert decide("sources", never) == [1]
    with pytest.raises(StreetclipError, match="was not told about 'other': start rank 0 alone"):
        decide("other", never)


def test_a_new_decision_replaces_an_inherited_one(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREETCLIP_DECIDED", json.dumps({"run": "old"}))
    assert decide("run", lambda: "new") == "new"
    assert json.loads(os.environ["STREETCLIP_DECIDED"]) == {"run": "new"}


def test_an_error_of_a_process_alone_is_its_own(environment: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise InputError("no such source")

    with pytest.raises(InputError, match=r"^no such source$"):
        decide("run", fail)


def test_several_machines_need_a_launcher(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NODE_RANK", "1")
    with pytest.raises(InputError, match="need a launcher; got: NODE_RANK=1 without one"):
        find_ranks()


@pytest.mark.parametrize(
    ("variables", "rank", "world"),
    [
        ({}, 0, 1),
        ({"LOCAL_RANK": "1", "NODE_RANK": "0", "WORLD_SIZE": "2"}, 1, 1),
        ({"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}, 3, 4),
        ({**SLURM, "SLURM_NTASKS": "8", "SLURM_PROCID": "5"}, 5, 8),
    ],
)
def test_ranks_are_read_from_whoever_started_them(
    environment: pytest.MonkeyPatch, variables: dict[str, str], rank: int, world: int
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    ranks = find_ranks()
    assert (ranks.rank, ranks.world) == (rank, world)


def _meet_as(rank: int, variables: dict[str, str], folder: Path) -> None:
    os.environ |= {name: value.replace("RANK", str(rank)) for name, value in variables.items()}
    meet(folder)


def _check_what_was_told(folder: Path) -> None:
    told = [json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)]
    for rank in (0, 1):
        assert told[rank]["a"] == {"run": "001"}
        assert told[rank]["c"] == [1, 2]
        assert told[rank]["world"] == 2
    assert [t["calls"] for t in told] == [3, 0]
    assert [t["error"] for t in told] == ["no such source: x", "rank 0: no such source: x"]


@pytest.mark.distributed
@pytest.mark.parametrize(
    "variables",
    [
        {"TORCHELASTIC_RUN_ID": "x", "RANK": "RANK", "LOCAL_RANK": "RANK", "WORLD_SIZE": "2"},
        {**SLURM, "SLURM_PROCID": "RANK", "SLURM_LOCALID": "RANK"},
    ],
    ids=["torchrun", "srun"],
)
def test_all_ranks_get_the_answer_of_rank_zero_and_its_error(
    environment: pytest.MonkeyPatch, tmp_path: Path, free_port: int, variables: dict[str, str]
) -> None:
    environment.setenv("MASTER_ADDR", "127.0.0.1")
    environment.setenv("MASTER_PORT", str(free_port))
    context = multiprocessing.get_context("fork")
    processes = [
        context.Process(target=_meet_as, args=(rank, variables, tmp_path)) for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    _check_what_was_told(tmp_path)


@pytest.mark.slow
@pytest.mark.distributed
def test_torchrun_itself_is_understood(
    environment: pytest.MonkeyPatch, tmp_path: Path, repository: Path, free_port: int
) -> None:
    script = tmp_path / "child.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom tests.training.test_launch import meet\n"
        "meet(Path(sys.argv[1]))\n"
    )
    environment.setenv("PYTHONPATH", f"{repository / 'src'}:{repository}")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command = [*launcher, f"--master-port={free_port}", str(script), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=repository)
    assert done.returncode == 0, done.stderr
    _check_what_was_told(tmp_path)
