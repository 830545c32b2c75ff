"""The LightningModule: towers, loss, optimizer and one step; it knows no benchmark."""

import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from streetclip.data.side_channel import SideChannel
from streetclip.model.accumulate import Mode, Step, accumulate_plain
from streetclip.model.averaging import averaging
from streetclip.model.backbone import Backbone
from streetclip.model.cached import accumulate_cached
from streetclip.model.depth import learning_rate_scale
from streetclip.model.gather import gather_ids, mean_over_ranks
from streetclip.model.gradients import GradientGuard
from streetclip.model.host import to_log
from streetclip.model.logit_bias import train_logit_bias
from streetclip.model.lora import export_merged, restore_products
from streetclip.model.loss import (
    Contrast,
    Negatives,
    equal_caption_share,
    make_loss,
    needs_logit_bias,
)
from streetclip.model.optim import Schedule, create_adamw, learning_rate_factor, warmup_of
from streetclip.model.random_state import step_seed
from streetclip.model.statistics import Statistics
from streetclip.model.step_check import check_first_step, check_step
from streetclip.model.trainable import lock_towers
from streetclip.model.weights import ENTRY, PREFIX, describe_weights, resumable_entry

_log = logging.getLogger(__name__)


class StreetclipModule(LightningModule):
    """Trains a backbone on batches of photographs and captions.

    One batch of the loader is one optimizer step, and Lightning's global step counts it exactly
    once, also where it is skipped because the gradient is not finite. Optimization is manual, as
    the passes of a step, and when gradients are averaged over ranks, are decided here.

    Args:
        backbone: The towers, trained in place.
        lr: Peak learning rate.
        weight_decay: Of weight matrices and embeddings.
        beta1: AdamW's decay of the gradient's mean.
        beta2: AdamW's decay of the gradient's square.
        eps: AdamW's summand beside the root of the square.
        schedule: `linear`, `cosine` or `constant`.
        total_steps: Of the run; None asks the Trainer.
        warmup_steps: Steps of linear warm-up; None takes `warmup_share` of all.
        layer_decay: Factor of the learning rate from each block to the one before it.
        warmup_share: Used if `warmup_steps` is None.
        clip_norm: Largest norm of the gradient; None does not clip.
        micro_batch_size: Pairs in a pass on one rank; None takes the rank's whole batch.
        accumulate: `cached` takes one loss over all passes, `plain` one in each pass.
        loss_kind: `clip`, `multi_positive`, or `siglip`, with which the backbone learns a bias.
        negatives: `global` (over all ranks) or `local`.
        max_logit_scale: The logit scale stays between 1 and this.
        lock_image: Do not train the image tower.
        lock_text: Do not train the text tower.
        gradient_checkpointing: Recompute activations in the backward pass.
        seed: Of the model's own randomness, with the step and the rank.

    Raises:
        ModelError: Both towers are locked.
        ConfigError: Values are impossible; all of them are named.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        lr: float = 1e-6,
        weight_decay: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.98,
        eps: float = 1e-6,
        schedule: Schedule = "linear",
        total_steps: int | None = None,
        warmup_steps: int | None = None,
        layer_decay: float = 1.0,
        warmup_share: float = 0.02,
        clip_norm: float | None = 1.0,
        micro_batch_size: int | None = None,
        accumulate: Mode = "cached",
        loss_kind: str = "clip",
        negatives: Negatives = "global",
        max_logit_scale: float = 100.0,
        lock_image: bool = False,
        lock_text: bool = False,
        gradient_checkpointing: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        check_step(
            clip_norm=clip_norm,
            micro_batch_size=micro_batch_size,
            max_logit_scale=max_logit_scale,
            accumulate=accumulate,
            negatives=negatives,
        )
        self.save_hyperparameters(ignore=["backbone"], logger=False)
        self.automatic_optimization = False
        self.backbone = backbone
        self.loss = make_loss(loss_kind, negatives=negatives)
        train_logit_bias(backbone, needs_logit_bias(loss_kind))
        self._ranks = SideChannel()
        self._guard = GradientGuard(self._ranks)
        self._has_begun = False
        self._clock: float | None = None
        if gradient_checkpointing:
            backbone.checkpoint_gradients()
        lock_towers(backbone, image=lock_image, text=lock_text)

    def train(self, mode: bool = True) -> "StreetclipModule":
        """Training mode, but for a locked image tower, whose statistics must not move either."""
        super().train(mode)
        if self.hparams["lock_image"]:
            cast(Any, self.backbone.clip).visual.eval()
        return self

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """AdamW with its schedule by steps."""
        chosen = self.hparams
        total = chosen["total_steps"] or int(self.trainer.estimated_stepping_batches)
        warmup = warmup_of(total, steps=chosen["warmup_steps"], share=chosen["warmup_share"])
        optimizer = create_adamw(
            self,
            **{key: chosen[key] for key in ("lr", "weight_decay", "beta1", "beta2", "eps")},
            # A fused step takes off the loss scale of fp16 itself, too late for clipping.
            fused=self.trainer.precision != "16-mixed",
            lr_scale=self._lr_scale if chosen["layer_decay"] != 1 else None,
        )
        factor = learning_rate_factor(chosen["schedule"], total_steps=total, warmup_steps=warmup)
        scheduler = LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_train_start(self) -> None:
        """Puts a locked image tower to rest; Lightning leaves modes as it finds them."""
        self._has_begun = False
        self.train()

    def on_train_epoch_start(self) -> None:
        """The time between epochs belongs to no step."""
        self._clock = None

    def on_validation_start(self) -> None:
        """The time of an evaluation belongs to no step."""
        self._clock = None

    def training_step(self, batch: Mapping[str, Any], batch_idx: int) -> None:
        """One optimizer step on one batch of the loader.

        Args:
            batch: This rank's share: `image`, `tokens`, `caption_id`, `keys`, `epoch`, `step`.
            batch_idx: Counted by Lightning; not used.

        Raises:
            NumericsError: The gradient was not finite for the third time in a row.
        """
        started = time.perf_counter() if self._clock is None else self._clock
        counted = self.trainer.global_step
        torch.manual_seed(step_seed(self.hparams["seed"], step=counted, rank=self.global_rank))
        optimizer = cast(LightningOptimizer, self.optimizers())
        optimizer.zero_grad()
        scalars, self._statistics = self._scalars(), Statistics(self.backbone)
        step = self._step(batch)
        self._begin(step.rows)
        contrast = self._accumulate(step)
        learning_rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        cast(LRScheduler, self.lr_schedulers()).step()
        self.backbone.clamp_logit_scale(self.hparams["max_logit_scale"])
        accuracies = [contrast.image_to_text_accuracy, contrast.text_to_image_accuracy]
        means = mean_over_ranks(torch.stack([contrast.loss.float(), *accuracies]))
        values = {
            "train/loss": means[0],
            "train/image_to_text_accuracy": means[1],
            "train/text_to_image_accuracy": means[2],
            "train/lr": learning_rate,
            **scalars,
            "train/gradient_norm": self._guard.norm,
            "train/equal_caption_share": equal_caption_share(gather_ids(batch["caption_id"])),
            "train/negatives": contrast.negatives,
        }
        # Lightning has no other name for it. In all other steps nobody needs the values.
        due = self.trainer._logger_connector.should_update_logs  # noqa: SLF001
        self.log_dict(to_log(values, now=due))
        self._guard.judge(
            batch,
            means[0],
            encode=lambda: _features(step),
            searches_scale=self.trainer.precision == "16-mixed",
            folder=Path(self.trainer.default_root_dir) if self.global_rank == 0 else None,
        )
        self._clock = time.perf_counter()
        pairs = step.rows * self.trainer.world_size
        self.log("timing/samples_per_s", torch.tensor(pairs / (self._clock - started)))

    def on_train_end(self) -> None:
        """Hears whether the last step was skipped."""
        self._guard.finish()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips the gradient, or drops it; Lightning has averaged and unscaled it by now."""
        self._guard.settle(
            optimizer, clip_norm=self.hparams["clip_norm"], statistics=self._statistics
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what `weights.load_backbone` needs, in plain types."""
        self._guard.finish()
        export_merged(checkpoint)
        checkpoint[ENTRY] = {
            **describe_weights(self.backbone.spec, checkpoint["state_dict"]),
            "skipped_in_a_row": self._guard.skipped.in_a_row,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses the checkpoint of another model, naming what differs."""
        entry = resumable_entry(checkpoint, self.backbone.spec)
        restore_products(checkpoint, self.backbone)
        self._guard.skipped.in_a_row = entry["skipped_in_a_row"]

    def _scalars(self) -> dict[str, Tensor]:
        """What the loss uses besides features, to be logged; a bias only where it is learned."""
        scalars = {"train/logit_scale": self.backbone.logit_scale.detach()}
        if needs_logit_bias(self.hparams["loss_kind"]):
            scalars["train/logit_bias"] = cast(Tensor, self.backbone.logit_bias).detach().clone()
        return scalars

    def _lr_scale(self, name: str) -> float:
        decay = self.hparams["layer_decay"]
        return learning_rate_scale(name.removeprefix(PREFIX), self.backbone, decay=decay)

    def _begin(self, rows: int) -> None:
        """Before the first step: whether ranks share alike, and what may not be expected."""
        if self._has_begun:
            return
        self._has_begun = True
        names = ("micro_batch_size", "accumulate", "negatives")
        options = {name: self.hparams[name] for name in names}
        for sentence in check_first_step(self._ranks.gather(rows), self.backbone, **options):
            if self.global_rank == 0:
                _log.warning(sentence)

    def _step(self, batch: Mapping[str, Any]) -> Step:
        image, tokens, caption_id = batch["image"], batch["tokens"], batch["caption_id"]

        def contrast(image_features: Tensor, text_features: Tensor, part: slice) -> Contrast:
            result = self.loss(
                image_features,
                text_features,
                self.backbone.logit_scale,
                caption_id=caption_id[part],
                logit_bias=self.backbone.logit_bias,
            )
            return cast(Contrast, result)

        def backward(loss: Tensor, is_last: bool) -> None:
            with averaging(self.trainer.strategy.model, now=is_last):
                self.manual_backward(loss)

        return Step(
            rows=len(image),
            micro_batch_size=self.hparams["micro_batch_size"],
            encode_image=lambda part: self.backbone.encode_image(image[part]),
            encode_text=lambda part: self.backbone.encode_text(tokens[part]),
            contrast=contrast,
            backward=backward,
        )

    def _accumulate(self, step: Step) -> Contrast:
        if self.hparams["accumulate"] == "plain":
            return accumulate_plain(step)
        scalars = [*self.backbone.scalars, *self.loss.parameters()]
        return accumulate_cached(
            step,
            scalars=[scalar for scalar in scalars if scalar.requires_grad],
            between=self._statistics.restore,
        )


def _features(step: Step) -> Iterator[tuple[slice, Tensor, Tensor]]:
    return ((part, step.encode_image(part), step.encode_text(part)) for part in step.passes)
