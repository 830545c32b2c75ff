"""What an evaluation asks of a model, and how it asks texts and photographs in batches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from streetclip.records import Preprocess


@runtime_checkable
class ClipModel(Protocol):
    """Two towers behind one surface; `model.backbone.Backbone` is one."""

    @property
    def preprocess(self) -> Preprocess:
        """Size that photographs are brought to."""

    @property
    def tokenize(self) -> Callable[[Sequence[str]], Tensor]:
        """Texts to token rows ``[p, t]``."""

    @property
    def logit_scale(self) -> Tensor:
        """What cosines are multiplied with before a softmax."""

    def encode_image(self, image: Tensor) -> Tensor:
        """Photographs uint8 ``[n, 3, h, w]`` to features of length 1, ``[n, d]``."""

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Token rows to features of length 1, ``[p, d]``."""


def text_encoder(
    model: ClipModel, device: torch.device
) -> Callable[[Sequence[str]], Float[Tensor, "p d"]]:
    """Texts to features, as `zeroshot.bank.build_bank` wants them.

    Args:
        model: Tokenizer and text tower.
        device: Where the model lies.

    Returns:
        A function of a sequence of texts.
    """

    def encode(texts: Sequence[str]) -> Float[Tensor, "p d"]:
        return model.encode_text(model.tokenize(texts).to(device)).float()

    return encode


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every part is in the mode it was in before.

    Args:
        model: A `ClipModel`; one that is no `nn.Module` has no modes.
    """
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    modes = [module.training for module in modules]
    for module in modules:
        module.training = False
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode


def device_of(model: Any) -> torch.device:
    """Where a model lies; the CPU for one without parameters.

    Args:
        model: A `ClipModel`.
    """
    if isinstance(model, nn.Module):
        return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    return torch.device("cpu")
