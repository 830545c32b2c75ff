"""Zero-shot geolocation while a model trains, by the same evaluation that the benchmark runs."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import lightning.pytorch as pl
from lightning.pytorch.utilities.seed import isolate_rng

from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.processes import current_processes
from streetclip.evaluation.result import Result, logged_values
from streetclip.evaluation.run import EvaluationOptions, ask, evaluate
from streetclip.model.backbone import Backbone
from streetclip.model.lora import merged_backbone
from streetclip.model.weights import weights_digest
from streetclip.shards.layout import ShardSet
from streetclip.training.ema import exported_weights
from streetclip.training.moments import AtMoments, moment_of
from streetclip.training.publish import save_result, show_map, show_table, tensorboards
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import Protocol

_log = logging.getLogger(__name__)


class GeolocationCallback(AtMoments):
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
        super().__init__(every_n_steps=every_n_steps)
        self._sets = dict(sets)
        self._protocol = protocol
        self._folder = folder
        self._options = options
        self._seen = seen
        self._between = between
        self._candidates: Candidates | None = None
        self._found: dict[str, Result] = {}

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Say how much of the time evaluation took."""
        elapsed = time.perf_counter() - self._began
        _log.info(
            "evaluation took %.1f s of %.1f s (%.1f %%)",
            self._spent_s,
            elapsed,
            100 * self.share,
        )

    def evaluate(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
        """Measure every set with the weights that a checkpoint would export."""
        with isolate_rng(), exported_weights(trainer, module) as exported:
            between = None if self._between is None else partial(self._between, trainer)
            self._found = self._results(merged_backbone(cast(Backbone, exported.backbone)), between)
        values: dict[str, float] = {}
        for name, result in self._found.items():
            values |= logged_values(result, name)
        return values

    def show(self, trainer: pl.Trainer, *, anew: bool) -> None:
        """Write results, show maps and tables; on resume the maps only."""
        moment, boards = self._folder / moment_of(trainer), tensorboards(trainer.loggers)
        for name in self._sets:
            if anew:
                save_result(self._found[name], moment / name)
            show_map(boards, moment / name, name, step=self._step)
            if anew:
                show_table(self._found[name], title=moment.name)

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
