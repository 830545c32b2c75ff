from pathlib import Path

import pytest
import torch
from tests.conftest import Finished

from streetclip.build.assumed import Assumed, Photographs, assumed_ranks, photographs
from streetclip.config.data import DataConfig, SampleWorldConfig
from streetclip.config.schema import TrainerConfig
from streetclip.errors import InputError


def test_impossible_assumptions_are_named_as_they_were_typed() -> None:
    assert Assumed(ranks=2, photos=3, tflops=1.5, utilization=1.0).problems() == []
    found = Assumed(ranks=0, utilization=1.5, memory_gib=-1.0).problems()
    assert found == [
        "--ranks must be above 0; got: 0",
        "--memory-gib must be above 0; got: -1.0",
        "--utilization is a share, 1 at most; got: 1.5",
    ]


def test_a_peak_is_assumed_of_a_gpu_only() -> None:
    gpu, cpu = TrainerConfig(accelerator="gpu"), TrainerConfig(accelerator="cpu")
    assert Assumed().peak(gpu) == (790.0, 0.5)
    assert Assumed().peak(cpu) == (None, 0.5)
    assert Assumed(tflops=1.0, utilization=0.25).peak(cpu) == (1.0, 0.25)


def test_memory_is_as_said_or_unknown_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Assumed(memory_gib=1.5).device_bytes() == 3 * 2**29
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert Assumed().device_bytes() is None


def test_ranks_need_not_be_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    auto = TrainerConfig(accelerator="gpu")
    four = TrainerConfig(accelerator="gpu", devices="8", num_nodes=4)
    assert assumed_ranks(four, Assumed()) == 32
    assert assumed_ranks(auto, Assumed(ranks=5)) == 5
    assert assumed_ranks(TrainerConfig(), Assumed()) == 1
    assert assumed_ranks(TrainerConfig(accelerator="cpu", num_nodes=2), Assumed()) == 2
    with pytest.raises(InputError, match="no GPU to count; say --ranks N"):
        assumed_ranks(auto, Assumed())


def test_photographs_are_counted_where_a_shard_set_is_here(finished: Finished) -> None:
    (root,) = (finished.folder / "shards").iterdir()
    data = DataConfig(source=str(root / "train"), expected_photos=7)
    tars = list((root / "train").rglob("*.tar"))
    kilobytes = sum(tar.stat().st_size for tar in tars) / 40 / 1e3
    assert photographs(data, Assumed()) == Photographs(40, kilobytes)
    assert photographs(data, Assumed(photos=9, photo_kb=2.0)) == Photographs(9, 2.0)


def test_photographs_that_are_not_here_are_believed_or_asked_for(tmp_path: Path) -> None:
    away = str(tmp_path / "away")
    world = DataConfig(sample_world=SampleWorldConfig(photos=70, size_px=128))
    assert photographs(world, Assumed()) == Photographs(70, 9.2)
    assert photographs(DataConfig(source=away, expected_photos=7), Assumed()).number == 7
    drawn = DataConfig(source=away, order="resampled", samples_per_epoch=5, expected_photos=7)
    assert photographs(drawn, Assumed()).number == 5
    with pytest.raises(InputError, match=r"cannot be told from here: .*away; say --photos N"):
        photographs(DataConfig(source=away), Assumed())
    assert not Path(away).exists()
