from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from tests.forkedrun import TinyRun

from streetclip.training.checkpoint_io import newest_whole, read_checkpoint
from streetclip.training.ema import Ema, exported_weights

Make = Callable[..., TinyRun]


class Watch(pl.Callback):
    """Computes the average by hand, and looks at what would be exported."""

    def __init__(self) -> None:
        self.average: dict[str, torch.Tensor] = {}
        self.differences: list[float] = []
        self.modes: list[tuple[bool, bool]] = []

    def on_train_batch_start(
        self, trainer: pl.Trainer, module: pl.LightningModule, *_: Any
    ) -> None:
        if trainer.global_step == 0:
            return
        now = {name: p.detach().clone() for name, p in module.named_parameters()}
        self.average = {
            name: 0.5 * self.average[name] + 0.5 * now[name] if self.average else now[name]
            for name in now
        }
        with exported_weights(trainer, module) as exported:
            inside = any(part.training for part in exported.modules())
            pairs = [(p.detach(), self.average[name]) for name, p in exported.named_parameters()]
            self.differences.append(max(float((p - q).abs().max()) for p, q in pairs))
        self.modes.append((inside, module.training))
        self.same_as_trained = all(torch.equal(p, now[n]) for n, p in module.named_parameters())


def test_exported_weights_are_the_average_and_leave_the_trained_ones_alone(
    tiny_run: Make, tmp_path: Path
) -> None:
    watch = Watch()
    tiny_run(tmp_path / "run", callbacks=(watch,)).go()
    assert len(watch.differences) == 7
    assert max(watch.differences) < 1e-6
    assert set(watch.modes) == {(False, True)}
    assert watch.same_as_trained


def test_without_averaging_the_trained_weights_are_exported_in_evaluation_mode(
    tiny_run: Make, tmp_path: Path
) -> None:
    trainer = tiny_run(tmp_path / "run", ema=False, epochs=1).go()
    module = trainer.lightning_module
    module.train()
    module.backbone.clip.visual.eval()  # type: ignore[union-attr] # as a locked tower is
    with exported_weights(trainer, module) as exported:
        assert exported is module
        assert not any(part.training for part in module.modules())
    assert module.backbone.clip.transformer.training  # type: ignore[union-attr]
    assert not module.backbone.clip.visual.training  # type: ignore[union-attr]


def test_after_training_the_model_is_what_its_last_checkpoint_exports(
    tiny_run: Make, tmp_path: Path
) -> None:
    run = tiny_run(tmp_path / "run", epochs=1)
    trainer = run.go()
    path = newest_whole(run.folder / "checkpoints").path
    assert path is not None
    state = read_checkpoint(path)["state_dict"]
    with exported_weights(trainer, trainer.lightning_module) as exported:
        assert exported is trainer.lightning_module
        assert all(torch.equal(state[name], p) for name, p in exported.state_dict().items())


def test_the_averaged_model_is_made_where_the_model_will_be(tiny_run: Make, tmp_path: Path) -> None:
    trainer = tiny_run(tmp_path / "run", epochs=1).go()
    (ema,) = (c for c in trainer.callbacks if isinstance(c, Ema))  # type: ignore[attr-defined]
    assert ema._device == trainer.strategy.root_device
    assert not ema._use_buffers
