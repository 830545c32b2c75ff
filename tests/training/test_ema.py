from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from tests.forkedrun import MODEL, TinyRun

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


class InPasses(pl.Callback):
    """Trains in fp64, and keeps the averages after each step and after each pass of the next."""

    def __init__(self) -> None:
        self.after_passes: list[torch.Tensor] = []
        self.after_steps: list[torch.Tensor] = []
        self.updates: list[tuple[int, int]] = []

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        pl_module.double()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        self.after_steps.append(_averages(trainer))
        model = _ema(trainer)._average_model
        assert model is not None
        self.updates.append((trainer.global_step, int(model.n_averaged)))

    def on_after_backward(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.after_passes.append(_averages(trainer))


def _ema(trainer: pl.Trainer) -> Ema:
    (ema,) = (c for c in trainer.callbacks if isinstance(c, Ema))  # type: ignore[attr-defined]
    return ema


def _averages(trainer: pl.Trainer) -> torch.Tensor:
    averaged = _ema(trainer).averaged(trainer.lightning_module)
    return torch.cat([parameter.detach().flatten() for parameter in averaged.parameters()])


def _in_passes(run: TinyRun, micro_batch_size: int | None) -> InPasses:
    """Seven steps of eight photographs without randomness of the model, which passes draw."""
    seen = InPasses()
    vision = {key: v for key, v in MODEL["vision_cfg"].items() if key != "patch_dropout"}
    options = {"micro_batch_size": micro_batch_size, "eps": 1e-3}
    chosen = {"model": {**MODEL, "vision_cfg": vision}, "module": options, "callbacks": (seen,)}
    replace(run, **chosen, max_steps=7).go()  # type: ignore[arg-type] # a mapping of several types
    return seen


def test_the_average_moves_once_a_step_by_as_much_in_cached_passes_as_in_one(
    tiny_run: Make, tmp_path: Path
) -> None:
    whole = _in_passes(tiny_run(tmp_path / "whole"), None)
    cached = _in_passes(tiny_run(tmp_path / "cached"), 3)
    assert len(whole.after_passes) == 7
    assert len(cached.after_passes) == 3 * 7
    assert cached.updates == [(step, step) for step in range(7)]
    for step, average in enumerate(cached.after_steps):
        assert average.dtype == torch.float64
        torch.testing.assert_close(average, whole.after_steps[step], rtol=0, atol=1e-12)
        for after in cached.after_passes[3 * step : 3 * step + 3]:
            assert torch.equal(after, average)
    assert all(float((b - a).abs().max()) > 1e-3 for a, b in pairwise(cached.after_steps[1:]))
