from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from streetclip.evaluation.typed import fits, misfits


@dataclass(frozen=True)
class Inner:
    share: float


@dataclass(frozen=True)
class Outer:
    name: str
    count: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    inside: Mapping[str, Inner] = field(default_factory=dict)
    anything: Any = None


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (1, int, True),
        (1.0, int, False),
        (True, int, False),
        (1, float, True),
        (True, float, False),
        (True, bool, True),
        (None, int | None, True),
        ("a", int | None, False),
        (("a", "b"), tuple[str, ...], True),
        (["a"], tuple[str, ...], True),
        ("ab", tuple[str, ...], False),
        (("a", 1), tuple[str, str], False),
        (("a",), tuple[str, str], False),
        ({"a": 1}, Mapping[str, int], True),
        ({"a": "b"}, Mapping[str, int], False),
        ({1: 1}, Mapping[str, int], False),
        ({"share": 0.5}, Inner, True),
        ({"share": "x"}, Inner, False),
        ({"share": 0.5, "more": 1}, Inner, False),
        ({}, Inner, False),
        (object(), Any, True),
    ],
)
def test_a_value_fits_its_annotation(value: object, annotation: Any, expected: bool) -> None:
    assert fits(value, annotation) is expected


def test_every_wrong_field_is_named_with_what_it_should_be() -> None:
    wrong = {"name": 3, "count": "x", "pairs": [["a"]], "inside": {"a": 1}, "no field": 1}
    assert misfits(Outer, wrong) == [
        "name is 3, not str",
        "count is 'x', not int or null",
        "pairs is [['a']], not a list of a list of str",
        "inside is {'a': 1}, not a mapping to Inner",
    ]


def test_a_right_record_has_no_misfits() -> None:
    assert misfits(Outer, {"name": "a", "inside": {"x": {"share": 1}}}) == []


def test_long_values_are_cut_in_the_message() -> None:
    (message,) = misfits(Outer, {"name": ["x" * 100]})
    assert len(message) < 100
