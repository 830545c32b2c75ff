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


def test_ranks_that_are_told_the_same_stop_at_the_same_step_and_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    ranks = [Quarantine(path, max_bad_samples=2) for _ in range(2)]
    for rank, quarantine in enumerate(ranks):
        quarantine.record([bad("a"), bad("b"), bad("a", step=4)], write=rank == 0)
        assert quarantine.listed[("000000.tar", "a")].step == 3
        with pytest.raises(ShardError, match="too many photographs are bad"):
            quarantine.record([bad("c")], write=rank == 0)
    assert [line["key"] for line in lines(path)] == ["a", "b", "c"]


def test_a_resumed_run_counts_on_from_its_checkpoint_and_lists_nothing_twice(
    tmp_path: Path,
) -> None:
    path = tmp_path / "q.jsonl"
    killed = Quarantine(path, max_bad_samples=9)
    killed.record([bad("a")])
    state = json.loads(json.dumps(killed.state_dict()))
    killed.record([bad("b")])
    resumed = Quarantine(path, max_bad_samples=2)
    resumed.load_state_dict(state)
    resumed.rewrite()
    assert [line["key"] for line in lines(path)] == ["a"]
    resumed.record([bad("a"), bad("b")])
    assert [line["key"] for line in lines(path)] == ["a", "b"]
    with pytest.raises(ShardError, match="too many photographs are bad; got: 3"):
        resumed.record([bad("c")])


def test_a_run_that_begins_anew_empties_its_list_and_a_good_one_has_none(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    Quarantine(path, max_bad_samples=9).rewrite()
    assert not path.exists()
    Quarantine(path, max_bad_samples=9).record([bad("a")])
    Quarantine(path, max_bad_samples=9).rewrite()
    assert lines(path) == []


def test_without_a_file_bad_photographs_are_only_counted() -> None:
    quarantine = Quarantine(None, max_bad_samples=0)
    with pytest.raises(ShardError, match="too many photographs are bad"):
        quarantine.record([bad("a")])


def test_whole_urls_of_an_older_checkpoint_lose_their_secrets(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q.jsonl", max_bad_samples=9)
    old = bad("a", shard="http://me:PASSWORD@h/0.tar?token=SECRET")._asdict()
    quarantine.load_state_dict([old])
    quarantine.record([bad("a", shard="http://h/0.tar?...")])
    quarantine.rewrite()
    assert [line["shard"] for line in lines(tmp_path / "q.jsonl")] == ["http://h/0.tar?..."]
