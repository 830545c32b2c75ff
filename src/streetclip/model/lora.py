"""LoRA: frozen weights with a trained product of two thin matrices added to each.

The sum is formed anew in each pass by torch's parametrizations, so that the forward pass, a
checkpoint that exports the merged weights, and an evaluation of it see the same numbers, bit for
bit. A layer that adds the product's own output instead (as peft has for linear layers) is equal
only up to rounding; peft's layer for attention forms the sum as well, but makes new parameters in
every pass, which compiling a model does not survive.

Source: Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import dropout as drop
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from streetclip.errors import CheckpointError, ModelError
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.depth import Tower, needed_blocks, tower_of

TARGETS = ("attn.in_proj_weight", "attn.out_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight")
"""Matrices of a block that get a product: both of attention, both of the perceptron."""

KEPT = "streetclip_products"
"""Where a checkpoint keeps frozen matrices and their products apart."""

_MARK = ".parametrizations."
_ORIGINAL = ".original"


class Product(nn.Module):
    """What is added to one matrix: `up @ down * scale`, nothing before the first step.

    Args:
        weight: The matrix, [out, in].
        rank: Of the product.
        alpha: Its weight is alpha / rank, so that another rank needs no other learning rate.
        dropout: Share of the matrix's inputs that the product does not see in a pass of training.
        generator: Of the random half; None takes torch's own.
    """

    scale: Tensor

    def __init__(
        self,
        weight: Float[Tensor, "o i"],
        *,
        rank: int,
        alpha: float,
        dropout: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        rows, columns = weight.shape
        self.down = nn.Parameter(weight.new_empty(rank, columns))
        self.up = nn.Parameter(weight.new_zeros(rows, rank))
        self.register_buffer("scale", weight.new_tensor(alpha / rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5), generator=generator)

    def forward(self, weight: Float[Tensor, "o i"]) -> Float[Tensor, "o i"]:
        """The matrix with the product added, in the matrix's own precision."""
        down: Tensor = self.down
        if self.training and self.dropout > 0:
            # The sum knows no single inputs, so a pass drops the same ones for all its rows.
            down = down * drop(down.new_ones(down.shape[1]), self.dropout)
        return _sum(weight, self.up, down, self.scale)


def add_products(
    backbone: Backbone,
    towers: Sequence[Tower],
    *,
    rank: int,
    alpha: float,
    seed: int,
    dropout: float = 0.0,
) -> None:
    """Freeze towers and give their blocks products, which alone are trained.

    Args:
        backbone: Changed in place.
        towers: Which.
        rank: Of the products.
        alpha: See `Product`.
        seed: Of the random half of each product.
        dropout: See `Product`.

    Raises:
        ModelError: A tower is no transformer of open_clip, or the rank is no smaller than a matrix.
    """
    blocks = [block for tower in towers for block in needed_blocks(backbone, tower, "model.lora")]
    found = [_find(block, target) for block in blocks for target in TARGETS]
    least = min(min(getattr(part, name).shape) for part, name in found)
    if not 1 <= rank < least:
        raise ModelError(
            "model.lora.rank is no rank of a product that saves anything",
            got=rank,
            allowed=f"1 to {least - 1}, as the smallest matrix has a side of {least}",
        )
    for name, parameter in backbone.named_parameters():
        if tower_of(name) in towers:
            parameter.requires_grad_(False)
    # A generator of its own: torch's own ones would have to be put back on every GPU there is.
    # A dry run's weights on the device "meta" have no numbers, and no generator.
    device = backbone.log_logit_scale.device
    generator = None if device.type == "meta" else torch.Generator(device).manual_seed(seed)
    for part, name in found:
        weight = getattr(part, name).detach()
        product = Product(weight, rank=rank, alpha=alpha, dropout=dropout, generator=generator)
        register_parametrization(part, name, product, unsafe=True)


def has_products(backbone: Backbone) -> bool:
    """Whether some of a model's matrices have products."""
    return any(is_parametrized(part) for part in backbone.modules())


def merged_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A `state_dict` with each product added to its matrix, under the matrix's plain name.

    Args:
        state: Of a model with products, or without.

    Returns:
        What a model without products loads; the tensors that need no sum are shared.
    """
    merged: dict[str, Tensor] = {}
    for name, value in state.items():
        if _MARK not in name:
            merged[name] = value
        elif name.endswith(_ORIGINAL):
            part, _, rest = name.partition(_MARK)
            parts = (
                state[f"{name.removesuffix(_ORIGINAL)}.0.{key}"] for key in ("up", "down", "scale")
            )
            up, down, scale = parts
            merged[f"{part}.{rest.removesuffix(_ORIGINAL)}"] = _sum(value, up, down, scale)
    return merged


def merged_backbone(backbone: Backbone) -> Backbone:
    """The same model without products: itself where it has none, else a merged copy.

    Args:
        backbone: On any device.

    Returns:
        A model on the same device; a copy is in evaluation mode.
    """
    if not has_products(backbone):
        return backbone
    parameter = backbone.log_logit_scale
    with torch.no_grad():
        state = merged_state(backbone.state_dict())
    plain = rebuild_backbone(backbone.spec)
    dtypes = {value.dtype for name, value in state.items() if name.endswith("weight")}
    plain.to(device=parameter.device, dtype=dtypes.pop() if len(dtypes) == 1 else None)
    plain.load_state_dict(state)
    return plain.eval()


def export_merged(checkpoint: dict[str, Any]) -> None:
    """Let a checkpoint export merged weights, and keep beside them what a run goes on with.

    Args:
        checkpoint: With `state_dict`; changed in place. One without products stays as it is.
    """
    state = checkpoint["state_dict"]
    if any(_MARK in name for name in state):
        checkpoint[KEPT] = state
        checkpoint["state_dict"] = merged_state(state)


def restore_products(checkpoint: dict[str, Any], backbone: Backbone) -> None:
    """The inverse of `export_merged`, before a run takes the checkpoint's weights.

    Args:
        checkpoint: As it was read; changed in place.
        backbone: Of the run.

    Raises:
        CheckpointError: Only one of the two has products.
    """
    if (KEPT in checkpoint) != has_products(backbone):
        raise CheckpointError(
            "the checkpoint belongs to a run that trains something else",
            got="LoRA" if KEPT in checkpoint else "no LoRA",
            remedy="resume with the run's own model.lora, or begin anew with model.start_from",
        )
    if KEPT in checkpoint:
        checkpoint["state_dict"] = checkpoint.pop(KEPT)


def _sum(
    weight: Float[Tensor, "o i"],
    up: Float[Tensor, "o r"],
    down: Float[Tensor, "r i"],
    scale: Float[Tensor, ""],
) -> Float[Tensor, "o i"]:
    # Under autocast the product would be rounded to bf16, and the merged weights would not be.
    with torch.autocast(weight.device.type, enabled=False):
        return torch.addmm(weight, up * scale, down)


def _find(block: nn.Module, target: str) -> tuple[nn.Module, str]:
    path, _, name = target.rpartition(".")
    part = block.get_submodule(path)
    if not isinstance(getattr(part, name, None), Tensor):
        raise ModelError(
            "model.lora needs blocks with open_clip's attention and perceptron",
            got=f"a block of {type(block).__name__} without {target}",
        )
    return part, name
