"""Skipped steps are counted in a row and end a run at the third."""

import json
import logging
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from streetclip.errors import NumericsError
from streetclip.model.numerics import SEARCH, SkippedBatch, SkippedSteps
from streetclip.model.statistics import Statistics


def step(number: int) -> SkippedBatch:
    return SkippedBatch(0, number, math.nan, ["a"])


def test_the_third_skipped_step_in_a_row_ends_the_run(caplog: pytest.LogCaptureFixture) -> None:
    skipped = SkippedSteps()
    with caplog.at_level(logging.WARNING):
        for number in (0, 1):
            skipped.skip(step(number))
        skipped.reset()
        for number in (3, 4):
            skipped.skip(step(number))
    assert [record.args for record in caplog.records] == [(step(n),) for n in (0, 1, 3, 4)]
    with pytest.raises(NumericsError, match=r"3 steps in a row were skipped.*step 5.*lower optim"):
        skipped.skip(step(5))


@pytest.mark.parametrize("size", [8, 9, 64])
def test_all_keys_of_a_batch_are_named(size: int) -> None:
    keys = [f"key{number}" for number in range(size)]
    assert str(SkippedBatch(1, 2, 0.5, keys)) == (
        f"loss 0.5, epoch 1, step 2, keys {', '.join(keys)}"
    )


def test_of_a_batch_too_large_for_a_message_a_file_names_all_keys(tmp_path: Path) -> None:
    keys = [f"rue/Été{number}" for number in range(1000)]
    batch = SkippedBatch(1, 2, math.inf, keys, keys[900:])
    text = str(batch)
    assert f"keys {', '.join(keys[:64])} and 936 more; not finite by themselves: " in text
    assert text.endswith(f"{', '.join(keys[900:964])} and 36 more")
    skipped = SkippedSteps()
    for folder in (tmp_path / "absent", tmp_path / "absent"):
        skipped.skip(batch, folder)
    with pytest.raises(
        NumericsError, match=r"; not_finite\.json in the run's folder names the who"
    ):
        skipped.skip(batch, tmp_path)
    assert json.loads((tmp_path / "not_finite.json").read_text(encoding="utf-8")) == {
        "epoch": 1,
        "step": 2,
        "loss": "inf",
        "keys": keys,
        "alone": keys[900:],
    }


def test_a_rank_without_a_folder_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    skipped = SkippedSteps()
    skipped.skip(step(0))
    skipped.skip(step(1))
    with pytest.raises(NumericsError, match="keys a;"):
        skipped.skip(step(2))
    assert not list(tmp_path.iterdir())


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
