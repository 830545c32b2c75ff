import logging
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import torch

from streetclip.errors import InputError
from streetclip.evaluation.feature_cache import FeatureCache, feature_folder, name_of

NAMES = [name_of("set", {"number": number}) for number in range(6)]


def tensors(number: int = 0, rows: int = 10) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(number)
    return {"features": torch.randn(rows, 4, generator=generator)}


def same(cache: FeatureCache, number: int, rows: int = 10) -> bool:
    kept = cache.read(NAMES[number])
    return kept is not None and torch.equal(
        kept.tensors["features"], tensors(number, rows)["features"]
    )


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_what_is_kept_is_read_bit_by_bit_with_its_facts(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "new")
    facts = {"keys": ["a", "é"], "metadata": [{"latitude": 0.1 + 0.2}], "errors": [None, "bad"]}
    assert cache.read(NAMES[0]) is None
    assert cache.write(NAMES[0], tensors(), facts)
    kept = FeatureCache(tmp_path / "new").read(NAMES[0])
    assert kept is not None
    assert kept.facts == facts
    assert list(kept.tensors) == ["features"]
    assert same(cache, 0)
    assert files(tmp_path / "new") == [f"{NAMES[0]}.safetensors"]


def test_every_fact_changes_the_name() -> None:
    facts = {"weights": "a", "precision": "32-true", "photographs": 3}
    changed = [{**facts, name: "other"} for name in facts]
    names = {name_of("set", some) for some in (facts, *changed)}
    assert len(names) == 4
    assert name_of("set", facts) != name_of("part", facts)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "text", "renamed", "unlabelled"])
def test_a_damaged_file_is_told_deleted_and_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    cache = FeatureCache(tmp_path)
    cache.write(NAMES[0], tensors(), {})
    path = tmp_path / f"{NAMES[0]}.safetensors"
    raw = bytearray(path.read_bytes())
    if damage == "flip":
        raw[-3] ^= 1
    changed = {"cut": raw[:-5], "empty": b"", "text": b"no tensors here"}.get(damage, raw)
    if damage == "renamed":
        cache.write(NAMES[1], tensors(1), {})
        changed = (tmp_path / f"{NAMES[1]}.safetensors").read_bytes()
    if damage == "unlabelled":
        changed = bytes(raw).replace(b"digest", b"digits")
    path.write_bytes(bytes(changed))
    with caplog.at_level(logging.WARNING):
        assert cache.read(NAMES[0]) is None
    assert "is damaged" in caplog.text
    assert "is computed again" in caplog.text
    assert not path.exists()
    assert cache.write(NAMES[0], tensors(), {})
    assert same(cache, 0)


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    for number in range(3):
        cache.write(NAMES[number], tensors(number, 1000), {})
        path = tmp_path / f"{NAMES[number]}.safetensors"
        os.utime(path, (number, number))
    assert same(cache, 0, 1000)  # Read just now, so that the second is the oldest.
    (tmp_path / "notes.txt").write_text("x" * 100_000)
    limited = FeatureCache(tmp_path, limit_bytes=4 * 16_000)
    assert limited.write(NAMES[3], tensors(3, 1000), {})
    left = {number for number in range(4) if same(limited, number, 1000)}
    assert left == {0, 2, 3}
    assert (tmp_path / "notes.txt").exists()
    kept = [path for path in tmp_path.iterdir() if path.suffix == ".safetensors"]
    assert sum(path.stat().st_size for path in kept) <= 4 * 16_000


def test_what_is_larger_than_the_limit_is_not_kept_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = FeatureCache(tmp_path, limit_bytes=10_000)
    with caplog.at_level(logging.WARNING):
        assert not cache.write(NAMES[0], tensors(0, 1000), {})
        assert not cache.write(NAMES[1], tensors(1, 1000), {})
    assert caplog.text.count("features are not kept") == 1
    assert "raise features.cache_gib" in caplog.text


def test_a_folder_that_cannot_be_used_is_refused_before_and_survived_during_the_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    cache = FeatureCache(tmp_path / "file")
    with pytest.raises(InputError, match=r"cannot be kept in .*/file; .* with --no-cache"):
        cache.check()
    with caplog.at_level(logging.WARNING):
        assert not cache.write(NAMES[0], tensors(), {})
    assert "going on without" in caplog.text


def test_a_killed_write_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)

    def killed(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("streetclip.evaluation.feature_cache.sync_folder", lambda _: None)
            patch.setattr(Path, "replace", killed)
            cache.write(NAMES[0], tensors(), {})

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    (part,) = files(tmp_path)
    assert part.endswith(".part")
    assert cache.read(NAMES[0]) is None
    # One that is old is cleared away, and a new one is another command's.
    assert cache.write(NAMES[1], tensors(1), {})
    assert part in files(tmp_path)
    os.utime(tmp_path / part, (time.time() - 3 * 86_400,) * 2)
    assert cache.write(NAMES[0], tensors(), {})
    assert files(tmp_path) == sorted(f"{name}.safetensors" for name in NAMES[:2])


def test_one_command_computes_and_the_other_waits(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    tmp_path.mkdir(exist_ok=True)

    def work() -> None:
        with cache.alone(NAMES[0]):
            if cache.read(NAMES[0]) is None:
                with (tmp_path / "computed").open("a") as file:
                    file.write("x")
                time.sleep(0.3)
                cache.write(NAMES[0], tensors(), {})

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / "computed").read_text() == "x"


def test_the_default_folder_lies_beside_that_of_files_from_urls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert feature_folder() == Path("/somewhere/streetclip-features")


def test_dropping_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.write(NAMES[0], tensors(), {})
    cache.drop(NAMES[:2])
    assert files(tmp_path) == []
