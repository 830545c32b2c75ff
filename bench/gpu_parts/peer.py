"""The same step in the form of open_clip's own training loop, written after what that loop does.

float32 photographs of the loader's transform, captions of the full context, autocast around model
and loss, AdamW as open_clip_train makes it, the norm clipped, the logit scale kept below 100.
Source: open_clip_train/train.py and main.py, 3.3.0. Gradient checkpointing is its `--grad-
checkpointing`; compilation and several passes are compared with its plain step.
"""

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import torch
from open_clip import ClipLoss
from torch import Tensor, nn

from gpu_parts.cases import Case, backbone_of
from gpu_parts.device import seconds

MEAN = 0.45
"""Close to those of CLIP; one number will do for noise."""


class Peer:
    """open_clip's model, loss and optimizer on a device.

    Args:
        case: Which model, and whether activations are computed again.
        device: `cpu` or `cuda`.
        steps: Of the schedule.
    """

    def __init__(self, case: Case, *, device: str, steps: int) -> None:
        self.device, self.steps = device, steps
        self.clip = cast(Any, backbone_of(case).clip.to(device))
        if case.checkpointing:
            self.clip.set_grad_checkpointing(True)
        self.loss = ClipLoss(local_loss=True, gather_with_grad=True, cache_labels=True)
        self.optimizer = torch.optim.AdamW(_groups(self.clip), lr=1e-5, betas=(0.9, 0.98), eps=1e-6)
        self.context = int(self.clip.context_length)

    def batch(self, ours: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """What its loader would give for one of our batches: more bytes for the same pairs."""
        image = (ours["image"].float() / 255 - MEAN) / MEAN
        short = self.context - ours["tokens"].shape[1]
        tokens = nn.functional.pad(ours["tokens"], (0, short))
        if self.device == "cuda":
            return image.pin_memory(), tokens.pin_memory()
        return image, tokens

    def step(self, number: int, images: Tensor, texts: Tensor) -> None:
        """One step of its loop."""
        for group in self.optimizer.param_groups:
            group["lr"] = 1e-5 * 0.5 * (1 + math.cos(math.pi * number / self.steps))
        images = images.to(self.device, non_blocking=True)
        texts = texts.to(self.device, non_blocking=True)
        self.optimizer.zero_grad()
        with self._autocast():
            image_features = self.clip.encode_image(images, normalize=True)
            text_features = self.clip.encode_text(texts, normalize=True)
            loss = self.loss(image_features, text_features, self.clip.logit_scale.exp())
        loss.backward()
        nn.utils.clip_grad_norm_(self.clip.parameters(), 1.0, norm_type=2.0)
        self.optimizer.step()
        with torch.no_grad():
            self.clip.logit_scale.clamp_(0, math.log(100))

    def train(self, batches: Sequence[dict[str, Any]], *, warm_up: int) -> float:
        """Seconds that the steps after the first few take."""
        own = [self.batch(batch) for batch in batches]

        def steps(first: int, last: int) -> None:
            for number in range(first, last):
                self.step(number, *own[number % len(own)])

        steps(0, warm_up)
        return seconds(lambda: steps(warm_up, len(batches)), self.device)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.device != "cuda":
            return nullcontext()
        return torch.autocast("cuda", dtype=torch.bfloat16)


def _groups(clip: nn.Module) -> list[dict[str, Any]]:
    """Those that decay, and gains, biases and the logit scale, which do not."""
    named = [(n, p) for n, p in clip.named_parameters() if p.requires_grad]
    plain = [p for n, p in named if p.ndim < 2 or any(w in n for w in ("bn", "ln", "bias"))]
    rest = [p for _, p in named if all(p is not other for other in plain)]
    return [{"params": plain, "weight_decay": 0.0}, {"params": rest, "weight_decay": 0.2}]
