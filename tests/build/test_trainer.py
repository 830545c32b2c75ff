from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.strategies import DDPStrategy
from tests.tinyrun import tiny_experiment

from streetclip.build.trainer import make_trainer
from streetclip.config.schema import Experiment
from streetclip.training.checkpoint import RunCheckpoint
from streetclip.training.ema import Ema
from streetclip.training.geolocation import GeolocationCallback
from streetclip.training.quiet import LossBar
from streetclip.training.run_folder import RunFolder
from streetclip.training.samples import SampleLog
from streetclip.zeroshot.protocol import load_protocol


def _trainer(folder: Path, options: Experiment) -> Any:
    return make_trainer(
        options,
        RunFolder(folder),
        protocol=load_protocol("quickstart"),
        train=None,
        sets={},
        fingerprint={},
        checkpoint=None,
    )


def test_callbacks_follow_the_options_and_the_checkpoint_comes_last(tmp_path: Path) -> None:
    options = tiny_experiment(tmp_path, "trainer.progress=true")
    kinds = [type(callback) for callback in _trainer(tmp_path, options).callbacks]
    assert {SampleLog, Ema, LossBar} <= set(kinds)
    assert GeolocationCallback not in kinds  # there is nothing to evaluate on
    assert kinds[-1] is RunCheckpoint
    options.optim.ema_decay, options.data.log_samples = None, False
    kinds = [type(callback) for callback in _trainer(tmp_path, options).callbacks]
    assert not {SampleLog, Ema} & set(kinds)


def test_several_processes_average_gradients(tmp_path: Path) -> None:
    alone = _trainer(tmp_path, tiny_experiment(tmp_path))
    assert not isinstance(alone.strategy, DDPStrategy)
    two = _trainer(tmp_path, tiny_experiment(tmp_path, "trainer.devices=2"))
    assert isinstance(two.strategy, DDPStrategy)
    assert two.world_size == 2


def test_on_a_cpu_auto_takes_as_many_processes_as_a_launcher_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = tiny_experiment(tmp_path, "trainer.devices=auto")
    assert _trainer(tmp_path, options).num_devices == 1
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert _trainer(tmp_path, options).num_devices == 2
