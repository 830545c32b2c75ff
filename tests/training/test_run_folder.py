import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from streetclip.errors import CheckpointError, InputError
from streetclip.training.checkpoint_io import AtomicCheckpointIO
from streetclip.training.run_folder import RunFolder, differences, find_unfinished

PRINT = {"seed": 1, "data": {"lanes": 4, "mean": (0.5, 0.4)}}


def _create(root: Path, fingerprint: dict[str, Any] | None = None) -> RunFolder:
    return RunFolder.create(root, "trial", config="seed: 1\n", fingerprint=fingerprint or PRINT)


def _checkpoint(run: RunFolder, step: int = 3) -> Path:
    path = run.checkpoints / f"epoch=000-step={step:06d}.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.ones(9)}}, path)
    return path


def test_runs_are_numbered_and_never_overwritten(tmp_path: Path) -> None:
    first, second = _create(tmp_path), _create(tmp_path)
    assert [run.path.name for run in (first, second)] == ["001", "002"]
    (tmp_path / "trial" / "007").mkdir()
    (tmp_path / "trial" / "notes").mkdir()
    assert _create(tmp_path).path.name == "008"
    assert first.config.read_text() == "seed: 1\n"


def test_a_new_run_says_that_it_is_running_and_as_what(tmp_path: Path) -> None:
    run = _create(tmp_path)
    status = json.loads(run.status_file.read_text())
    assert status["status"] == "running"
    assert status["pid"] == os.getpid()
    assert status["fingerprint"] == {"seed": 1, "data": {"lanes": 4, "mean": [0.5, 0.4]}}
    run.set_status("failed", reason="disk full")
    failed = run.status()
    assert failed is not None
    assert (failed["status"], failed["reason"]) == ("failed", "disk full")
    assert failed["fingerprint"] == status["fingerprint"]
    with pytest.raises(InputError, match="no such status; got: done; allowed: running, finished"):
        run.set_status("done")


def test_an_unfinished_run_with_the_same_fingerprint_is_found(tmp_path: Path) -> None:
    run = _create(tmp_path)
    path = _checkpoint(run)
    run.set_status("failed", reason="x")
    run.release()
    found = find_unfinished(tmp_path, "trial", fingerprint=PRINT)
    assert found.run is not None
    assert found.run.path == run.path
    assert found.checkpoint is not None
    assert found.checkpoint.path == path
    assert found.passed_over == ()


def test_each_run_that_is_passed_over_is_named_with_its_reason(tmp_path: Path) -> None:
    runs = [_create(tmp_path) for _ in range(4)]
    _checkpoint(runs[0])
    runs[0].set_status("finished")
    _checkpoint(runs[1])
    runs.append(_create(tmp_path, {**PRINT, "seed": 2}))
    _checkpoint(runs[4])
    broken = _checkpoint(runs[3])
    broken.write_bytes(broken.read_bytes()[:-9])
    for run in (runs[0], runs[2], runs[3], runs[4]):
        run.release()
    (tmp_path / "trial" / "009").mkdir()
    found = find_unfinished(tmp_path, "trial", fingerprint=PRINT)
    assert found.run is None
    lines = found.why().splitlines()
    assert [line.split(": ")[0][-3:] for line in lines] == [
        "009",
        "005",
        "004",
        "003",
        "002",
        "001",
    ]
    assert "no readable status.json" in lines[0]
    assert "seed is 2, not 1" in lines[1]
    assert "no whole checkpoint (epoch=000-step=000003.ckpt: not a whole zip" in lines[2]
    assert "has no checkpoint yet" in lines[3]
    assert f"is still running (process {os.getpid()} on " in lines[4]
    assert "is finished" in lines[5]


def test_an_experiment_without_runs_says_so(tmp_path: Path) -> None:
    assert find_unfinished(tmp_path, "x", fingerprint={}).why() == "the experiment has no run yet"


def _hold(root: Path, ready: Any) -> None:
    _create(root)
    ready.set()
    signal.pause()


def test_a_run_is_live_as_long_as_its_process(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_hold, args=(tmp_path, ready))
    process.start()
    assert ready.wait(30)
    run = RunFolder(tmp_path / "trial" / "001")
    assert run.is_live()
    with pytest.raises(CheckpointError, match=f"running process; got: process {process.pid} on"):
        RunFolder.reopen(run.path)
    process.kill()
    process.join()
    assert not run.is_live()
    again = RunFolder.reopen(run.path)
    assert again.is_live()
    status = again.status()
    assert status is not None
    assert (status["status"], status["pid"]) == ("running", os.getpid())


def test_a_killed_run_is_free_even_if_its_loader_process_lives_on(tmp_path: Path) -> None:
    inherited, told = os.pipe()
    killed = os.fork()
    if killed == 0:
        _checkpoint(_create(tmp_path))
        orphan = os.fork()
        if orphan == 0:
            signal.pause()
        os.write(told, str(orphan).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    orphan = int(os.read(inherited, 20))
    os.waitpid(killed, 0)
    try:
        found = find_unfinished(tmp_path, "trial", fingerprint=PRINT)
        assert found.run is not None
        assert not found.run.is_live()
    finally:
        os.kill(orphan, signal.SIGKILL)
        os.close(inherited)
        os.close(told)


def test_a_folder_without_a_status_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is no run; allowed: a folder with a status\.json"):
        RunFolder.reopen(tmp_path)


def test_differences_name_the_parts(tmp_path: Path) -> None:
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "d": 2}}) == [
        "a.c is 2, not None",
        "a.d is None, not 2",
    ]
    assert differences(PRINT, PRINT) == []
