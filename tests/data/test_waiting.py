"""A wait is known from its begin to its end, however it ends."""

import time
from collections.abc import Iterator

import pytest

from streetclip.data.waiting import one_by_one, wait, waited_s, waiting


def test_a_wait_that_is_broken_off_is_over() -> None:
    with pytest.raises(KeyboardInterrupt, match="enough"), waiting("batch"):
        raise KeyboardInterrupt("enough")
    assert wait() is None


def test_a_wait_says_what_for_and_since_when() -> None:
    before = time.monotonic()
    with waiting("photographs"):
        found = wait()
    assert found is not None
    assert found.what == "photographs"
    assert before <= found.since_s <= time.monotonic()


def test_who_takes_items_one_by_one_waits_for_each_and_not_between_them() -> None:
    seen = []

    def items() -> Iterator[int]:
        for number in range(3):
            seen.append(wait() is not None)
            yield number

    for _ in one_by_one(items(), "batch"):
        assert wait() is None
    assert seen == [True] * 3
    assert wait() is None


def test_waits_of_one_kind_add_up_however_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    batches, photographs = waited_s("batch"), waited_s("photographs")
    with waiting("batch"):
        now[0] += 2
        assert waited_s("batch") == batches
    now[0] += 50

    def fail() -> None:
        now[0] += 3
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), waiting("batch"):
        fail()
    assert waited_s("batch") - batches == pytest.approx(5)
    assert waited_s("photographs") == photographs
