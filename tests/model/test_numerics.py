"""Skipped steps are counted in a row and end a run at the third."""

import logging

import pytest

from streetclip.errors import NumericsError
from streetclip.model.numerics import SkippedSteps, name_batch


def test_the_third_skipped_step_in_a_row_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    skipped = SkippedSteps()
    with caplog.at_level(logging.WARNING):
        for step in (0, 1):
            skipped.skip(f"step {step}")
        skipped.reset()
        for step in (3, 4):
            skipped.skip(f"step {step}")
    assert [record.args for record in caplog.records] == [
        ("step 0",),
        ("step 1",),
        ("step 3",),
        ("step 4",),
    ]
    with pytest.raises(NumericsError, match=r"3 steps in a row were skipped.*step 5; lower optim"):
        skipped.skip("step 5")


def test_a_batch_is_named_by_its_first_keys() -> None:
    assert name_batch(1, 2, ["a", "b"]) == "epoch 1, step 2, keys a, b"
    assert name_batch(1, 2, ["a"] * 9).endswith("a and 1 more")
