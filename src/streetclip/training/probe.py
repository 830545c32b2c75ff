"""General zero-shot accuracy while a model trains: what it forgets of its start."""

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import lightning.pytorch as pl
import numpy as np
import torch
from jaxtyping import Int64
from lightning.pytorch.utilities.seed import isolate_rng

from streetclip.evaluation.probe import ProbeResult, as_start, measure_probe, probe_logged
from streetclip.evaluation.probe_set import ProbeSet
from streetclip.evaluation.processes import current_processes
from streetclip.model.backbone import Backbone
from streetclip.model.lora import merged_backbone
from streetclip.model.weights import weights_digest
from streetclip.shards.layout import write_whole
from streetclip.training.ema import exported_weights
from streetclip.training.moments import AtMoments, moment_of

PROBE_FILE = "probe.json"

_log = logging.getLogger(__name__)


class ProbeCallback(AtMoments):
    """Asks a probe set before the first step, after each epoch, and every n steps if asked.

    The weights are those that a checkpoint of the moment exports. `probe/accuracy`,
    `probe/top5_accuracy` and `probe/forgotten` are logged with the ends of their 95 % intervals
    (`_low`, `_high`), can be what the best checkpoint follows, and stand in `probe.json` beside the
    results of the moment. What is forgotten is counted from the model before the first step, whose
    answers the checkpoints keep.

    Args:
        probe: From `evaluation.probe_set.checked`.
        folder: The `evaluations` folder of the run.
        batch_size: Photographs, and prompts, in one pass.
        resamples: Of the bootstrap.
        every_n_steps: Optimiser steps between evaluations inside an epoch; None makes none.
        between: Called between the passes, on all ranks alike; what it raises breaks it off.
    """

    def __init__(
        self,
        probe: ProbeSet,
        *,
        folder: Path,
        batch_size: int = 128,
        resamples: int = 1000,
        every_n_steps: int | None = None,
        between: Callable[[pl.Trainer], None] | None = None,
    ) -> None:
        super().__init__(every_n_steps=every_n_steps)
        self._probe = probe
        self._folder = folder
        self._batch_size = batch_size
        self._resamples = resamples
        self._between = between
        self._start: Int64[np.ndarray, " n"] | None = None
        self._found: tuple[ProbeResult, str] | None = None

    @property
    def prefix(self) -> str:
        """Its seconds are logged beside those of geolocation."""
        return "timing/probe"

    def evaluate(self, trainer: pl.Trainer, module: pl.LightningModule) -> dict[str, float]:
        """Ask with the weights that a checkpoint would export."""
        with isolate_rng(), exported_weights(trainer, module) as exported:
            backbone = merged_backbone(cast(Backbone, exported.backbone))
            result = measure_probe(
                backbone,
                self._probe,
                batch_size=self._batch_size,
                processes=current_processes(),
                between=None if self._between is None else partial(self._between, trainer),
                start=self._start,
                resamples=self._resamples,
            )
            digest = weights_digest(backbone) if trainer.is_global_zero else ""
        if trainer.global_step == 0:
            self._start, result = result.ranks, as_start(result)
        self._found = result, digest
        return probe_logged(result)

    def show(self, trainer: pl.Trainer, *, anew: bool) -> None:
        """Write `probe.json`, and say in the log how it stands."""
        if not anew or self._found is None:
            return
        result, digest = self._found
        folder = self._folder / moment_of(trainer)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"weights_digest": digest, **result.plain}, indent=1, ensure_ascii=False)
        write_whole(folder / PROBE_FILE, f"{text}\n".encode())
        _log.info("%s: %s", folder.name, sentence(result))
        if result.unreadable:
            name, reason = result.unreadable[0]
            _log.warning(
                "%d photographs of the probe set cannot be read any more and do not count; "
                "the first: %s (%s)",
                len(result.unreadable),
                name,
                reason,
            )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Evaluate before the first step, or say what a resumed run cannot know."""
        super().on_train_start(trainer, pl_module)
        if self._start is None:
            _log.warning(
                "the checkpoint knows no answers of the start model on this probe set: "
                "probe/forgotten is not logged"
            )

    def state_dict(self) -> dict[str, Any]:
        """The newest evaluation, and the answers of the start model."""
        start = None if self._start is None else torch.from_numpy(self._start)
        return {**super().state_dict(), "probe_digest": self._probe.digest, "start": start}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what the run that is resumed knows of the same probe set."""
        if state_dict["probe_digest"] != self._probe.digest:
            return
        super().load_state_dict(state_dict)
        start = state_dict["start"]
        self._start = None if start is None else start.numpy()


def sentence(result: ProbeResult) -> str:
    """A result in words.

    Args:
        result: Of a probe set.
    """
    names = {"accuracy": "right", "forgotten": "forgotten"}
    parts = [
        f"{word} {100 * found.value:.1f} %"
        + (
            ""
            if found.low is None or found.high is None
            else f" ({100 * found.low:.1f} to {100 * found.high:.1f})"
        )
        for name, word in names.items()
        if (found := result.values.get(name)) is not None and found.value is not None
    ]
    n = result.values["accuracy"].n
    return f"probe set of {result.labels} labels, {n:,} photographs: {', '.join(parts)}"
