"""`auto` becomes what the device can do, for all ranks, before runs are compared."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.tinyrun import tiny_experiment

from streetclip.build import precision as room
from streetclip.build.precision import automatic_precision, precision_of, with_precision
from streetclip.config.schema import TrainerConfig


def _gpus(monkeypatch: pytest.MonkeyPatch, *capabilities: tuple[int, int]) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(capabilities))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: capabilities[number])


@pytest.mark.parametrize(
    ("capabilities", "wanted"),
    [
        ([], "32-true"),  # a CPU
        ([(7, 5)], "32-true"),  # T4: bf16 only in emulation
        ([(8, 0)], "bf16-mixed"),  # A100
        ([(9, 0), (9, 0)], "bf16-mixed"),  # H100
        ([(9, 0), (7, 0)], "32-true"),  # a V100 beside it
    ],
)
@pytest.mark.parametrize("accelerator", ["auto", "gpu", "cuda"])
def test_auto_takes_bf16_where_every_device_has_it(
    monkeypatch: pytest.MonkeyPatch,
    capabilities: list[tuple[int, int]],
    wanted: str,
    accelerator: str,
) -> None:
    _gpus(monkeypatch, *capabilities)
    assert precision_of(TrainerConfig(accelerator=accelerator)) == wanted
    assert precision_of(TrainerConfig(accelerator="cpu")) == "32-true"
    assert automatic_precision([major for major, _ in capabilities]) == wanted


@pytest.mark.parametrize("named", ["32-true", "bf16-mixed", "16-mixed", "bf16-true"])
def test_a_precision_that_is_named_stays(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    _gpus(monkeypatch, (9, 0))
    assert precision_of(TrainerConfig(precision=named)) == named


def test_the_options_of_a_run_hold_what_auto_became(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = tiny_experiment(tmp_path, "trainer.accelerator=auto")
    assert options.trainer.precision == "auto"
    monkeypatch.setitem(os.environ, "STREETCLIP_UNUSED", "")  # restores what `decide` leaves
    _gpus(monkeypatch, (9, 0))
    chosen = with_precision(options)
    assert chosen.trainer.precision == "bf16-mixed"
    assert options.trainer.precision == "auto"
    assert chosen == replace(options, trainer=chosen.trainer)


def test_rank_0_decides_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "decide", lambda name, work: {name: "bf16-mixed"})
    chosen = with_precision(tiny_experiment(tmp_path))
    assert chosen.trainer.precision == "bf16-mixed"
