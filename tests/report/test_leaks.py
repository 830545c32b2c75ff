"""A report says how much of a set training has seen, and what is left without it."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.result import Result
from streetclip.report.leaks import leak_rows, leak_sentences
from streetclip.report.markdown import markdown

SUMMARY: dict[str, Any] = {
    "train_digest": "0123456789abcdef" * 4,
    "train_photos": 1_100_000,
    "photos": 2997,
    "max_bits": 10,
    "max_meters": 25.0,
    "pictures": 12,
    "places": 300,
    "flat": 0,
    "unreadable": 2,
    "train_unreadable": 0,
}


def test_pictures_and_places_are_told_apart() -> None:
    text = "\n".join(leak_sentences(SUMMARY))
    assert "12 of 2,997 photographs (0.4 %) are the same picture as one of 1,100,000" in text
    assert "300 of 2,997 photographs (10.0 %) lie within 25 m of a training photograph" in text
    assert "shard set `0123456789abcdef`" in text
    assert "differ in 10 of 64 bits" in text
    assert "not readable; not compared: 2." in text
    assert "plain" not in text


def test_values_stand_beside_those_without_the_leaked(make_result: Callable[..., Result]) -> None:
    without = {
        "country_accuracy": asdict(Estimate(0.25, 12, 0.1, 0.4)),
        "median_km": asdict(Estimate(None, 0)),
    }
    result = make_result(leaks=SUMMARY | {"values_without": without})
    rows = leak_rows(result)
    assert [name for name, _, _ in rows] == ["country_accuracy", "median_km"]
    assert rows[0][1] == result.values["country_accuracy"]
    text = markdown(result)
    assert "## Seen in training" in text
    assert "| 25.0 % | 10.0 to 40.0 |" in text
    assert "| - | - |" in text


def test_where_nobody_has_looked_nothing_is_said(make_result: Callable[..., Result]) -> None:
    assert "Seen in training" not in markdown(make_result())
    assert leak_rows(make_result()) == []
    assert "without the leaked" not in markdown(make_result(leaks=SUMMARY))
