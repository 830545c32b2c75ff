"""The LightningModule: towers, loss, optimizer and one step; it knows no benchmark."""

import math
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from streetclip.data.side_channel import SideChannel
from streetclip.errors import CheckpointError, ConfigError
from streetclip.model.accumulate import accumulate_plain
from streetclip.model.backbone import Backbone
from streetclip.model.gather import gather_ids, mean_over_ranks
from streetclip.model.loss import ClipLoss, Contrast, Negatives, equal_caption_share
from streetclip.model.numerics import SkippedBatch, SkippedSteps, not_finite
from streetclip.model.optim import Schedule, create_adamw, learning_rate_factor, warmup_of
from streetclip.model.spec import BackboneSpec
from streetclip.model.statistics import Statistics
from streetclip.model.trainable import lock_towers
from streetclip.model.weights import ENTRY, describe_weights, spec_differences


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
        warmup_share: Used if `warmup_steps` is None.
        clip_norm: Largest norm of the gradient; None does not clip.
        micro_batch_size: Pairs in a pass on one rank; None takes the rank's whole batch.
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
        warmup_share: float = 0.02,
        clip_norm: float | None = 1.0,
        micro_batch_size: int | None = None,
        negatives: Negatives = "global",
        max_logit_scale: float = 100.0,
        lock_image: bool = False,
        lock_text: bool = False,
        gradient_checkpointing: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _check_step(clip_norm, micro_batch_size, max_logit_scale)
        self.save_hyperparameters(ignore=["backbone"], logger=False)
        self.automatic_optimization = False
        self.backbone = backbone
        self.loss = ClipLoss(negatives)
        self._gradient_norm = torch.tensor(0.0)
        self._skipped = SkippedSteps()
        self._ranks = SideChannel()
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
        )
        factor = learning_rate_factor(chosen["schedule"], total_steps=total, warmup_steps=warmup)
        scheduler = LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }

    def on_train_start(self) -> None:
        """Puts a locked image tower to rest; Lightning leaves modes as it finds them."""
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
        torch.manual_seed(self._step_seed())
        optimizer = cast(LightningOptimizer, self.optimizers())
        optimizer.zero_grad()
        scale, self._statistics = self.backbone.logit_scale.detach(), Statistics(self.backbone)
        contrast = self._accumulate(batch)
        learning_rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        cast(LRScheduler, self.lr_schedulers()).step()
        self._clamp_logit_scale()
        accuracies = [contrast.image_to_text_accuracy, contrast.text_to_image_accuracy]
        means = mean_over_ranks(torch.stack([contrast.loss.float(), *accuracies]))
        self.log("train/loss", means[0], prog_bar=True)
        self.log_dict(
            {
                "train/image_to_text_accuracy": means[1],
                "train/text_to_image_accuracy": means[2],
                "train/lr": learning_rate,
                "train/logit_scale": scale,
                "train/gradient_norm": self._gradient_norm,
                "train/equal_caption_share": equal_caption_share(gather_ids(batch["caption_id"])),
                "train/negatives": contrast.negatives,
            }
        )
        self._watch_numerics(batch, means[0])
        self._clock = time.perf_counter()
        pairs = len(batch["image"]) * self.trainer.world_size
        self.log("timing/samples_per_s", pairs / (self._clock - started))

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clips the gradient, or drops it, and what else the passes left, where it is not finite.

        Lightning calls this after the gradients are averaged over ranks and unscaled, so that
        every rank decides alike. An optimizer without gradients changes nothing, and its step
        still counts.
        """
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        trained = [parameter for parameter in parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm([cast(Tensor, p.grad) for p in trained])
        self._gradient_norm = norm.detach()
        if not norm.isfinite():
            self._statistics.restore()
            for parameter in trained:
                parameter.grad = None
        elif self.hparams["clip_norm"] is not None:
            torch.nn.utils.clip_grads_with_norm_(trained, self.hparams["clip_norm"], norm)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what `weights.load_backbone` needs, in plain types."""
        checkpoint[ENTRY] = {
            **describe_weights(self.backbone.spec, checkpoint["state_dict"]),
            "skipped_in_a_row": self._skipped.in_a_row,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuses the checkpoint of another model, naming what differs."""
        entry = checkpoint.get(ENTRY)
        if entry is None:
            raise CheckpointError("this is no checkpoint of streetclip")
        differences = spec_differences(
            self.backbone.spec, BackboneSpec.from_plain(entry["backbone"])
        )
        if differences:
            raise CheckpointError(
                "the checkpoint belongs to another model",
                got="; ".join(differences),
                remedy="resume with the run's own model, or begin anew with model.start_from",
            )
        self._skipped.in_a_row = entry["skipped_in_a_row"]

    def _accumulate(self, batch: Mapping[str, Any]) -> Contrast:
        image, tokens = batch["image"], batch["tokens"]

        def encode(part: slice) -> tuple[Tensor, Tensor]:
            return self.backbone.encode_image(image[part]), self.backbone.encode_text(tokens[part])

        def contrast(image_features: Tensor, text_features: Tensor) -> Contrast:
            return cast(
                Contrast, self.loss(image_features, text_features, self.backbone.logit_scale)
            )

        def backward(loss: Tensor, is_last: bool) -> None:
            with nullcontext() if is_last else self._without_averaging():
                self.manual_backward(loss)

        return accumulate_plain(
            len(image),
            self.hparams["micro_batch_size"],
            encode=encode,
            contrast=contrast,
            backward=backward,
        )

    def _without_averaging(self) -> AbstractContextManager[None]:
        """Gradients stay on their rank until the last pass of the step."""
        model = self.trainer.strategy.model
        if not isinstance(model, DistributedDataParallel):
            return nullcontext()
        return cast(AbstractContextManager[None], model.no_sync())

    def _watch_numerics(self, batch: Mapping[str, Any], loss: Tensor) -> None:
        if self._gradient_norm.isfinite():
            self._skipped.reset()
            return
        keys, alone = list(batch["keys"]), list[str]()
        epoch, step = int(batch["epoch"]), int(batch["step"])
        if self._is_scale_search(loss):
            self._skipped.search(f"epoch {epoch}, step {step}")
            return
        if self._skipped.is_last:
            keys, alone = map(self._of_all_ranks, (keys, self._culprits(batch)))
        folder = Path(self.trainer.default_root_dir) if self.global_rank == 0 else None
        self._skipped.skip(SkippedBatch(epoch, step, loss.item(), keys, alone), folder)

    def _of_all_ranks(self, keys: list[str]) -> list[str]:
        return list(chain(*self._ranks.gather(keys)))

    @torch.no_grad()
    def _culprits(self, batch: Mapping[str, Any]) -> list[str]:
        """Those of this rank's pairs that are not finite without the others of the batch."""
        image = self.backbone.encode_image(batch["image"])
        return not_finite(list(batch["keys"]), image, self.backbone.encode_text(batch["tokens"]))

    def _is_scale_search(self, loss: Tensor) -> bool:
        """In fp16 the loss scale starts too high, and overflows are how it finds its place."""
        return self.trainer.precision == "16-mixed" and bool(loss.isfinite())

    def _clamp_logit_scale(self) -> None:
        with torch.no_grad():
            scale = self.backbone.log_logit_scale
            scale.clamp_(0.0, math.log(self.hparams["max_logit_scale"]))

    def _step_seed(self) -> int:
        parts = [self.hparams["seed"], self.trainer.global_step, self.global_rank]
        return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def _check_step(
    clip_norm: float | None, micro_batch_size: int | None, max_logit_scale: float
) -> None:
    problems = []
    if clip_norm is not None and not clip_norm > 0:
        problems.append(
            f"optim.clip_norm is {clip_norm}; allowed: above 0, or null for no clipping"
        )
    if micro_batch_size is not None and micro_batch_size < 1:
        problems.append(f"data.micro_batch_size is {micro_batch_size}; allowed: 1 or more, or null")
    if not 1 <= max_logit_scale < math.inf:
        problems.append(f"loss.max_logit_scale is {max_logit_scale}; allowed: 1 or more")
    if problems:
        raise ConfigError("the training step", problems)
