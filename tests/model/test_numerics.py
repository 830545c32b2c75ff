"""Skipped steps are counted in a row and end a run at the third."""

import logging

import pytest
import torch
from torch import nn

from streetclip.errors import NumericsError
from streetclip.model.numerics import SEARCH, SkippedSteps, name_batch
from streetclip.model.statistics import Statistics


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


def test_a_search_for_the_loss_scale_of_fp16_ends() -> None:
    skipped = SkippedSteps()
    for _ in range(SEARCH):
        skipped.search("step 1")
    skipped.reset()
    for _ in range(SEARCH):
        skipped.search("step 2")
    with pytest.raises(NumericsError, match=r"31 steps in a row have overflowed in fp16.*step 3"):
        skipped.search("step 3")


def test_statistics_go_back_to_what_they_were() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.LayerNorm(2))
    model(torch.rand(2, 3, 2, 2))
    before, kept = {k: v.clone() for k, v in model.state_dict().items()}, Statistics(model)
    model(torch.full((2, 3, 2, 2), float("nan")))
    assert not model.state_dict()["1.running_var"].isfinite().all()
    kept.restore()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
