from typing import Any

import pytest

from streetclip.evaluation.leak_facts import FACTS, leak_problems

WHOLE: dict[str, Any] = {name: kind(1) for name, kind in FACTS.items()}


def test_a_whole_summary_and_none_have_no_problems() -> None:
    values = {"geoscore": {"value": 0.5, "n": 3, "low": None, "high": None}}
    assert leak_problems({}) == []
    assert leak_problems(WHOLE) == []
    assert leak_problems(WHOLE | {"values_without": values, "pairs": []}) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"photos": "3"}, "leaks.photos is '3', not int"),
        ({"max_meters": None}, "leaks.max_meters is None, not float"),
        ({"values_without": [1]}, "leaks.values_without is no mapping of names to values"),
        ({"values_without": {"x": {"n": 1}}}, "leaks.values_without.x is {'n': 1}, no estimate"),
        (
            {"values_without": {"x": {"value": "1", "n": 1}}},
            "leaks.values_without.x is {'value': '1', 'n': 1}, no estimate",
        ),
    ],
)
def test_what_a_report_could_not_say_is_named(change: dict[str, Any], problem: str) -> None:
    assert leak_problems(WHOLE | change) == [problem]


def test_what_is_missing_is_named() -> None:
    lacking = {name: value for name, value in WHOLE.items() if name != "flat"}
    assert leak_problems(lacking) == ["leaks.flat is missing"]
