"""Readers of single values."""

import math
from typing import Any

import pytest

from streetclip.zeroshot import fields
from streetclip.zeroshot.fields import Problems, Reader

SIZE = fields.section({"size": fields.whole})


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        (fields.text, "two\n  lines", "two lines"),
        (fields.truth, False, False),
        (fields.whole, 3, 3),
        (fields.whole_or_all, "all", None),
        (fields.whole_or_all, 7, 7),
        (fields.number, 0, 0.0),
        (fields.radius, 6371, 6371.0),
        (fields.one_of(["a", "b"]), "b", "b"),
    ],
)
def test_a_good_value_is_read_without_a_word(reader: Reader, value: Any, read: Any) -> None:
    problems = Problems()
    assert reader("key", value, problems) == read
    assert problems == []


@pytest.mark.parametrize(
    ("reader", "value", "problem"),
    [
        (fields.text, 3, "key: must be text, not 3"),
        (fields.truth, 1, "key: must be true or false, not 1"),
        (fields.whole, True, "key: must be a whole number of 1 or more, not True"),
        (fields.whole, 0.5, "key: must be a whole number of 1 or more, not 0.5"),
        (fields.whole_or_all, 0, "key: must be a whole number of 1 or more, or all, not 0"),
        (fields.number, -1, "key: must be a number of 0 or more, not -1"),
        (fields.number, math.inf, "key: must be a number of 0 or more, not inf"),
        (fields.number, math.nan, "key: must be a number of 0 or more, not nan"),
        (fields.radius, 0, "key: must be more than 0"),
        (fields.radius, "far", "key: must be a number of 0 or more, not 'far'"),
        (fields.one_of(["a", "b"]), "c", "key: 'c' is unknown; allowed: a, b"),
        (fields.section({"a": fields.whole}), [], "key: must be a mapping of a"),
        (SIZE, {"sizes": 1}, "unknown key 'key.sizes'; did you mean 'size'?"),
        (SIZE, {"size": 0}, "key.size: must be a whole number of 1 or more, not 0"),
    ],
)
def test_a_bad_value_is_named_once(reader: Reader, value: Any, problem: str) -> None:
    problems = Problems()
    reader("key", value, problems)
    assert problems == [problem]


def test_a_section_leaves_out_what_has_no_value() -> None:
    reader = fields.section({"a": fields.whole, "b": fields.whole_or_all})
    problems = Problems()
    assert reader("key", {"a": None, "b": "all"}, problems) == {"b": None}
    assert problems == []
