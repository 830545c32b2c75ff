"""Zero-shot geolocation while a model trains, by the same evaluation that the benchmark runs."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.seed import isolate_rng

from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.processes import current_processes
from streetclip.evaluation.result import Result, logged_values
from streetclip.evaluation.run import EvaluationOptions, ask, evaluate
from streetclip.model.backbone import Backbone
from streetclip.model.lora import merged_backbone
from streetclip.model.weights import weights_digest
from streetclip.shards.layout import ShardSet
from streetclip.training.cursor import cursor_of
from streetclip.training.ema import exported_weights
from streetclip.training.publish import save_result, show_map, show_table, tensorboards
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import Protocol

_log = logging.getLogger(__name__)


@dataclass
class _Clock:
    """Seconds of evaluation, and when training began."""

    began: float = 0.0
    spent_s: float = 0.0


class GeolocationCallback(pl.Callback):
    """Evaluates before the first step, after each epoch, and every n steps if asked.

    The weights are those that a checkpoint of the moment exports, averaged or not. Values are
    logged as `zeroshot/SET/NAME` to all loggers and stand in `trainer.callback_metrics`, so that
    the best checkpoint can follow any of them; results are written to
    `evaluations/epoch=EEE/SET/`, or `step=SSSSSS` inside an epoch. Training does not notice: modes
    and random generators are as they were. An evaluation that a checkpoint knows is not repeated
    when the run resumes; one that was broken off is made then.

    Args:
        sets: The photographs, by the name that the log gives them.
        protocol: What to ask.
        folder: The `evaluations` folder of the run.
        options: Sizes; the names of set, model and weights are filled in.
        seen: What training shows.
        every_n_steps: Optimiser steps between evaluations inside an epoch; None makes none.
        between: Called between the passes of an evaluation, on all ranks alike; what it raises
            breaks the evaluation off.
    """

    def __init__(
        self,
        sets: Mapping[str, ShardSet],
        protocol: Protocol,
        *,
        folder: Path,
        options: EvaluationOptions,
        seen: SeenPlaces | None = None,
        every_n_steps: int | None = None,
        between: Callable[[pl.Trainer], None] | None = None,
    ) -> None:
        self._sets = dict(sets)
        self._protocol = protocol
        self._folder = folder
        self._options = options
        self._seen = seen
        self._every_n_steps = every_n_steps
        self._between = between
        self._candidates: Candidates | None = None
        self._step = -1
        self._values: dict[str, float] = {}
        self._clock = _Clock()

    @property
    def share(self) -> float:
        """Share of the time since training began that went to evaluation."""
        elapsed = time.perf_counter() - self._clock.began
        return self._clock.spent_s / elapsed if elapsed > 0 else 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate before the first step, or take up what the checkpoint knows."""
        self._clock = _Clock(began=time.perf_counter())
        if trainer.global_step == 0 and self._step < 0:
            self._evaluate(trainer, pl_module)
        else:
            self._take_up(trainer)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Evaluate after every n steps; here, because the last step's values are logged by now."""
        step, every = trainer.global_step, self._every_n_steps
        if every and batch_idx > 0 and step % every == 0 and step != self._step:
            self._evaluate(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate the epoch's weights, before its checkpoint is written."""
        self._evaluate(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how much of the time evaluation took."""
        elapsed = time.perf_counter() - self._clock.began
        _log.info(
            "evaluation took %.1f s of %.1f s (%.1f %%)",
            self._clock.spent_s,
            elapsed,
            100 * self.share,
        )

    def state_dict(self) -> dict[str, Any]:
        """The newest evaluation: after which step, and its values."""
        return {"step": self._step, "values": dict(self._values)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the newest evaluation of the run that is resumed."""
        self._step, self._values = state_dict["step"], dict(state_dict["values"])

    def _evaluate(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        started = time.perf_counter()
        with isolate_rng(), exported_weights(trainer, module) as exported:
            results = self._results(
                merged_backbone(cast(Backbone, exported.backbone)), self._check(trainer)
            )
        self._step = trainer.global_step
        self._values = {}
        for name, result in results.items():
            self._values |= logged_values(result, name)
        self._notice(trainer)
        if trainer.is_global_zero:
            self._publish(trainer, results)
        # The module measures samples per second, and an evaluation belongs to no step.
        module.on_validation_start()
        seconds = time.perf_counter() - started
        self._clock.spent_s += seconds
        timing = {"timing/evaluation_s": seconds, "timing/evaluation_share": self.share}
        self._log(trainer, {**self._values, **timing})

    def _check(self, trainer: pl.Trainer) -> Callable[[], None] | None:
        return None if self._between is None else partial(self._between, trainer)

    def _results(self, backbone: Backbone, between: Callable[[], None] | None) -> dict[str, Result]:
        if self._candidates is None:
            self._candidates = build_candidates(self._protocol)
        options = replace(
            self._options, model=backbone.spec.name, weights_digest=weights_digest(backbone)
        )
        questions = ask(
            backbone,
            self._protocol,
            candidates=self._candidates,
            batch_size=options.batch_size,
            between=between,
        )
        return {
            name: evaluate(
                backbone,
                shard_set,
                self._protocol,
                options=replace(options, set_name=name),
                processes=current_processes(),
                seen=self._seen,
                questions=questions,
                between=between,
            )
            for name, shard_set in self._sets.items()
        }

    def _take_up(self, trainer: pl.Trainer) -> None:
        self._notice(trainer)
        if self._step != trainer.global_step or not trainer.is_global_zero:
            return
        # TensorBoard hides on resume what has the checkpoint's step; the CSV files still have it.
        boards = tensorboards(trainer.loggers)
        for board in boards:
            board.log_metrics(self._values, step=self._step)
        for name in self._sets:
            show_map(boards, self._moment(trainer) / name, name, step=self._step)

    def _publish(self, trainer: pl.Trainer, results: Mapping[str, Result]) -> None:
        moment, boards = self._moment(trainer), tensorboards(trainer.loggers)
        for name, result in results.items():
            save_result(result, moment / name)
            show_map(boards, moment / name, name, step=self._step)
            show_table(result, title=moment.name)

    def _notice(self, trainer: pl.Trainer) -> None:
        """Let the best checkpoint, and whoever else monitors a value, see the newest ones."""
        for name, value in self._values.items():
            trainer.callback_metrics[name] = torch.tensor(value, dtype=torch.float64)

    def _log(self, trainer: pl.Trainer, values: Mapping[str, float]) -> None:
        row = {**values, "epoch": trainer.current_epoch}
        for logger in trainer.loggers:
            logger.log_metrics(row, step=self._step)
            logger.save()

    def _moment(self, trainer: pl.Trainer) -> Path:
        cursor = cursor_of(trainer)
        whole_epochs = cursor.epoch + (cursor.step >= trainer.num_training_batches)
        inside = 0 < cursor.step < trainer.num_training_batches
        name = f"step={self._step:06d}" if inside else f"epoch={whole_epochs:03d}"
        return self._folder / name
