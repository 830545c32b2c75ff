import pickle
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from streetclip.errors import CheckpointError, StorageError
from streetclip.training.checkpoint_io import (
    AtomicCheckpointIO,
    checkpoints,
    damage,
    newest_whole,
    read_checkpoint,
)

CONTENT: dict[str, Any] = {"state_dict": {"w": torch.arange(2000.0)}, "global_step": 3}


def _save(path: Path) -> Path:
    AtomicCheckpointIO().save_checkpoint(CONTENT, path)
    return path


def test_what_is_saved_is_loaded_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    path = _save(tmp_path / "new" / "epoch=000-step=000003.ckpt")
    loaded = AtomicCheckpointIO().load_checkpoint(path, weights_only=False)
    assert torch.equal(loaded["state_dict"]["w"], CONTENT["state_dict"]["w"])
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    AtomicCheckpointIO().remove_checkpoint(path)
    AtomicCheckpointIO().remove_checkpoint(path)
    assert checkpoints(path.parent) == []


def test_a_full_disk_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _save(tmp_path / "a.ckpt")
    before = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(StorageError, match=r"could not be written.*No space left.*make room"):
        _save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_every_flipped_bit_in_the_weights_is_found(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.ckpt")
    whole = path.read_bytes()
    at = whole.index(CONTENT["state_dict"]["w"].numpy().tobytes()[-4000:])
    chance = random.Random(1)
    for _ in range(50):
        flipped = bytearray(whole)
        flipped[at + chance.randrange(4000)] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        assert "wrong CRC" in str(damage(path))
    path.write_bytes(whole)
    assert damage(path) is None


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.99])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, keep: float) -> None:
    path = _save(tmp_path / "a.ckpt")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match="cannot be used; got: not a whole zip archive"):
        read_checkpoint(path)


def test_the_newest_whole_checkpoint_is_taken_and_newer_broken_ones_are_named(
    tmp_path: Path,
) -> None:
    names = [f"epoch=00{e}-step=00000{s}.ckpt" for e, s in ((0, 3), (1, 4), (1, 6))]
    paths = [_save(tmp_path / name) for name in names]
    _save(tmp_path / "best.ckpt")
    (tmp_path / ".epoch=001-step=000008.ckpt.part").write_bytes(b"half")
    assert newest_whole(tmp_path).path == paths[2]
    paths[2].write_bytes(paths[2].read_bytes()[:-50])
    paths[1].write_bytes(b"")
    newest = newest_whole(tmp_path)
    assert newest.path == paths[0]
    assert [path for path, _ in newest.refused] == [paths[2], paths[1]]
    assert all("not a whole zip archive" in reason for _, reason in newest.refused)


def test_there_may_be_no_checkpoint_at_all(tmp_path: Path) -> None:
    assert newest_whole(tmp_path / "missing").path is None
    with pytest.raises(CheckpointError, match="cannot be used; got: no such file"):
        read_checkpoint(tmp_path / "a.ckpt")


class _RunsCode:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("ran"),))


def test_a_checkpoint_that_would_run_code_is_refused_and_runs_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {}, "bomb": _RunsCode()}, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="is not one of our checkpoints"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "a.ckpt", weights_only=False)
    (tmp_path / "b.ckpt").write_bytes(pickle.dumps(_RunsCode()))
    with pytest.raises(CheckpointError, match="not a whole zip archive"):
        read_checkpoint(tmp_path / "b.ckpt")
    assert not (tmp_path / "ran").exists()


def test_a_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"from a local file only.*https://x/y\.ckpt"):
        AtomicCheckpointIO().load_checkpoint("https://x/y.ckpt")


@pytest.mark.parametrize("content", [[1, 2], {"weights": 1}])
def test_another_file_of_torch_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match="allowed: a state_dict in it"):
        read_checkpoint(tmp_path / "a.ckpt")
