import json
from pathlib import Path

import pytest

from streetclip.data.quarantine import BadSample, Quarantine
from streetclip.errors import SampleError, ShardError


def bad(key: str, *, shard: str = "000000.tar", step: int = 3) -> BadSample:
    error = SampleError("unreadable_image", "cut")
    return BadSample.of(error, shard=shard, sample=7, key=key, epoch=1, step=step)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_bad_photograph_is_listed_once_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "run" / "quarantine.jsonl"
    quarantine = Quarantine(path, max_bad_samples=10)
    quarantine.record([bad("a"), bad("b")])
    quarantine.record([bad("a", step=9)])
    quarantine.record([])
    assert [line["key"] for line in lines(path)] == ["a", "b"]
    assert lines(path)[0] == {
        "shard": "000000.tar",
        "sample": 7,
        "key": "a",
        "reason": "unreadable_image",
        "detail": "cut",
        "epoch": 1,
        "step": 3,
        "replaced_by": None,
    }
    assert len(quarantine) == 2


def test_too_many_bad_photographs_stop_the_run_and_name_the_worst_shards(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q.jsonl", max_bad_samples=2)
    quarantine.record([bad("a", shard="1.tar"), bad("b", shard="2.tar")])
    with pytest.raises(ShardError, match=r"got: 3 \(2.tar: 2; 1.tar: 1\).*max_bad_samples 2"):
        quarantine.record([bad("c", shard="2.tar")])


def test_ranks_and_resumed_runs_count_together(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    first, second = (Quarantine(path, max_bad_samples=2) for _ in range(2))
    first.record([bad("a")])
    second.record([bad("b")])
    assert len(second) == 2
    with pytest.raises(ShardError, match="too many photographs are bad"):
        first.record([bad("c")])
    resumed = Quarantine(path, max_bad_samples=3)
    resumed.record([bad("a")])
    assert len(resumed) == len(lines(path)) == 3


def test_without_a_file_bad_photographs_are_only_counted() -> None:
    quarantine = Quarantine(None, max_bad_samples=0)
    with pytest.raises(ShardError, match="too many photographs are bad"):
        quarantine.record([bad("a")])
