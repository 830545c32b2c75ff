"""A result folder is whole or refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streetclip.errors import ResultError
from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.leak_facts import FACTS
from streetclip.evaluation.result import Result, logged_values, read_result, write_result
from streetclip.evaluation.run import EvaluationOptions, evaluate
from streetclip.shards.layout import ShardSet
from streetclip.zeroshot.protocol import Protocol

HERE = {"latitude": 48.85, "longitude": 2.35, "country": "FR", "region": "Île-de-France"}


@pytest.fixture
def result(
    make_set: Callable[..., ShardSet],
    planted_clip: Callable[..., Any],
    three_countries: Protocol,
) -> Result:
    photographs = make_set([HERE, {**HERE, "readable": False}, {**HERE, "country": "DE"}])
    clip = planted_clip({0: ["In France."], 2: ["In France."]})
    options = EvaluationOptions(resamples=20, weights_digest="abc", model="planted")
    return evaluate(clip, photographs, three_countries, options=options)


def test_what_is_written_is_read_back(result: Result, tmp_path: Path) -> None:
    write_result(result, tmp_path / "new" / "folder")
    again = read_result(tmp_path / "new" / "folder")
    assert again == result
    assert again.predictions.equals(result.predictions)
    assert dict(again.versions) == dict(result.versions)


def test_the_same_result_gives_the_same_bytes(result: Result, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_result(result, tmp_path / name)
    for file in ("results.json", "predictions.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "predictions.parquet",
        "results.json",
    ]


def test_results_name_digests_intervals_and_versions(result: Result, tmp_path: Path) -> None:
    write_result(result, tmp_path)
    content = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert content["version"] == 2
    assert content["weights_digest"] == "abc"
    assert len(content["protocol_digest"]) == len(content["shard_set_digest"]) == 64
    assert set(content["values"]["country_accuracy"]) == {"value", "n", "low", "high"}
    assert content["unreadable"][0]["key"] == "000001_a"
    assert {"streetclip", "torch", "open_clip_torch"} <= set(content["versions"])


def test_logged_names_carry_the_set(result: Result) -> None:
    values = logged_values(result, "im2gps")
    assert values["zeroshot/im2gps/country_accuracy"] == 0.5
    assert "zeroshot/im2gps/median_km" in values
    assert "zeroshot/val/within_25km" in logged_values(result)


def test_values_that_no_photograph_counts_for_are_not_logged(result: Result) -> None:
    values = {**result.values, "region_accuracy": Estimate(None, 0)}
    logged = logged_values(replace(result, values=values))
    assert "zeroshot/val/region_accuracy" not in logged


def test_a_result_on_a_part_of_a_set_is_titled_as_partial(result: Result, tmp_path: Path) -> None:
    # One of the three photographs cannot be read.
    assert result.title == "val (partial: 2 of 3 photographs)"
    leaks = {name: kind(1) for name, kind in FACTS.items()} | {"pairs": [{"km": 0.5}]}
    told = replace(
        result,
        set_name="im2gps3k",
        set_photos=2997,
        missing=("a", "b"),
        surplus=("c",),
        leaks=leaks,
    )
    assert told.title == "IM2GPS3K (partial: 2 of 2,997 photographs)"
    write_result(told, tmp_path)
    assert read_result(tmp_path) == told


def test_a_missing_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="no such folder"):
        read_result(tmp_path / "nowhere")
    with pytest.raises(ResultError, match=r"no results.json"):
        read_result(tmp_path)


def test_an_incomplete_result_is_refused(result: Result, tmp_path: Path) -> None:
    write_result(result, tmp_path)
    (tmp_path / "predictions.parquet").write_bytes(b"")
    with pytest.raises(ResultError, match="missing or does not belong"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": 99}, "another version; got: 99; allowed: 2"),
        ({"values": {"x": {"mean": 1}}}, "values is .*, not a mapping to Estimate"),
        ({"surprise": 1}, "is incomplete"),
        ({"set_name": 5}, "other types; got: set_name is 5, not str; run the benchmark again"),
        ({"photos": "x", "top_k": True}, "photos is 'x', not int; top_k is True, not int"),
        ({"set_photos": 0.5}, "set_photos is 0.5, not int or null"),
        ({"missing": [1]}, r"missing is \[1\], not a list of str"),
        ({"unreadable": [{"key": 1, "reason": "r"}]}, "unreadable is no list of keys and reasons"),
        ({"values": {"x": {"value": "0.5", "n": 1}}}, "values is .*, not a mapping to Estimate"),
        ({"leaks": {"photos": 3}}, "leaks.train_digest is missing"),
        ({"leaks": [1]}, r"leaks is \[1\], not a mapping"),
    ],
)
def test_a_result_of_another_form_is_refused(
    result: Result, tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    write_result(result, tmp_path)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change))
    with pytest.raises(ResultError, match=problem):
        read_result(tmp_path)


@pytest.mark.parametrize(("text", "problem"), [("{", "is no JSON"), ("[]", "another version")])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(ResultError, match=problem):
        read_result(tmp_path)


def test_a_result_with_the_same_predictions_is_whole_while_it_is_replaced(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result(result, tmp_path)

    def full_disk(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("streetclip.evaluation.result.write_whole", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_result(replace(result, leaks={"photos": 3}), tmp_path)
    assert read_result(tmp_path) == result
