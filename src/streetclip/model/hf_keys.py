"""How the weights of transformers' `CLIPModel` are called and laid out, and how those of open_clip.

One list says it for both ways: a weight is the same in both, transposed (projections, which
open_clip multiplies from the other side), or joined from three (queries, keys and values, which
open_clip keeps in one matrix). Nothing is computed, so that going there and back is exact.

Source: the parameter names of transformers 5.24 (`CLIPModel`) and open_clip 3.3 (`CLIP`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

POSITION_IDS = (
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
)
"""Counts 0, 1, 2, ... that older versions of transformers wrote among the weights."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One weight of open_clip and what it is in transformers.

    Args:
        ours: Its name in open_clip's `CLIP`.
        theirs: Its names in transformers' `CLIPModel`; three are joined along the first dimension.
        transposed: Whether rows are columns there.
    """

    ours: str
    theirs: tuple[str, ...]
    transposed: bool = False

    def shape_there(self, shape: Sequence[int]) -> list[int]:
        """What each of `theirs` measures.

        Args:
            shape: Of the weight here.

        Example:
            >>> Entry("a", ("q", "k", "v")).shape_there([96, 32])
            [32, 32]
        """
        if self.transposed:
            return list(shape)[::-1]
        return [shape[0] // len(self.theirs), *shape[1:]] if shape else []


def entries(vision_layers: int, text_layers: int) -> list[Entry]:
    """The whole map of a model.

    Args:
        vision_layers: Layers of the image tower.
        text_layers: Layers of the text tower.

    Returns:
        One entry a weight of open_clip's `CLIP`, none twice.

    Example:
        >>> entries(0, 0)[0]
        Entry(ours='logit_scale', theirs=('logit_scale',), transposed=False)
    """
    return [
        Entry("logit_scale", ("logit_scale",)),
        Entry("visual.proj", ("visual_projection.weight",), transposed=True),
        Entry("text_projection", ("text_projection.weight",), transposed=True),
        *_vision(),
        *_text(),
        *_layers("visual.transformer.resblocks", "vision_model.encoder.layers", vision_layers),
        *_layers("transformer.resblocks", "text_model.encoder.layers", text_layers),
    ]


def differences(
    theirs: Mapping[str, Tensor], table: Sequence[Entry], shapes: Mapping[str, Sequence[int]]
) -> list[str]:
    """Everything about the weights of a folder that does not fit a model.

    Args:
        theirs: Weights of transformers' `CLIPModel`.
        table: From `entries`.
        shapes: What open_clip's model measures, by its own names.

    Returns:
        One sentence a problem: missing, unknown, wrongly shaped ones, and what is no weight.
    """
    wanted = {name: entry for entry in table for name in entry.theirs}
    missing = [name for name in wanted if name not in theirs]
    surplus = sorted(name for name in theirs if name not in wanted and not _counts(name, theirs))
    problems = [f"weights missing: {_listed(missing)}"] if missing else []
    problems += [f"weights unknown: {_listed(surplus)}"] if surplus else []
    for name in wanted.keys() & theirs.keys():
        tensor, shape = theirs[name], wanted[name].shape_there(shapes[wanted[name].ours])
        if list(tensor.shape) != shape:
            problems.append(f"{name} has shape {list(tensor.shape)}, not {shape}")
        if not _is_plain(tensor):
            problems.append(f"{name} holds no plain fractions but {tensor.dtype}, {tensor.layout}")
    return sorted(problems)


def to_open_clip(theirs: Mapping[str, Tensor], table: Sequence[Entry]) -> dict[str, Tensor]:
    """Weights under open_clip's names.

    Args:
        theirs: Weights of transformers' `CLIPModel`, without `differences`.
        table: From `entries`.

    Returns:
        All weights of open_clip's `CLIP`; those that are the same share the memory of `theirs`.

    Example:
        >>> table = [Entry("proj", ("p.weight",), transposed=True)]
        >>> to_open_clip({"p.weight": torch.ones(2, 3)}, table)["proj"].shape
        torch.Size([3, 2])
    """
    return {entry.ours: _joined(entry, theirs) for entry in table}


def to_transformers(ours: Mapping[str, Tensor], table: Sequence[Entry]) -> dict[str, Tensor]:
    """The inverse of `to_open_clip`.

    Args:
        ours: Weights of open_clip's `CLIP`, all of them.
        table: From `entries`.

    Returns:
        Tensors of their own memory, as safetensors wants them.

    Example:
        >>> table = [Entry("proj", ("p.weight",), transposed=True)]
        >>> to_transformers({"proj": torch.ones(2, 3)}, table)["p.weight"].shape
        torch.Size([3, 2])
    """
    found: dict[str, Tensor] = {}
    for entry in table:
        tensor = ours[entry.ours].detach()
        parts = (tensor.t(),) if entry.transposed else _parts(tensor, len(entry.theirs))
        for name, part in zip(entry.theirs, parts, strict=True):
            found[name] = part.contiguous().clone()
    return found


def _vision() -> Iterator[Entry]:
    there = "vision_model.embeddings"
    yield Entry("visual.class_embedding", (f"{there}.class_embedding",))
    yield Entry("visual.conv1.weight", (f"{there}.patch_embedding.weight",))
    yield Entry("visual.positional_embedding", (f"{there}.position_embedding.weight",))
    for kind in ("weight", "bias"):
        # The misspelling is theirs.
        yield Entry(f"visual.ln_pre.{kind}", (f"vision_model.pre_layrnorm.{kind}",))
        yield Entry(f"visual.ln_post.{kind}", (f"vision_model.post_layernorm.{kind}",))


def _text() -> Iterator[Entry]:
    there = "text_model.embeddings"
    yield Entry("token_embedding.weight", (f"{there}.token_embedding.weight",))
    yield Entry("positional_embedding", (f"{there}.position_embedding.weight",))
    for kind in ("weight", "bias"):
        yield Entry(f"ln_final.{kind}", (f"text_model.final_layer_norm.{kind}",))


def _layers(here: str, there: str, count: int) -> Iterator[Entry]:
    names = {
        "ln_1": "layer_norm1",
        "ln_2": "layer_norm2",
        "mlp.c_fc": "mlp.fc1",
        "mlp.c_proj": "mlp.fc2",
        "attn.out_proj": "self_attn.out_proj",
    }
    for layer in range(count):
        for kind in ("weight", "bias"):
            for ours, theirs in names.items():
                yield Entry(f"{here}.{layer}.{ours}.{kind}", (f"{there}.{layer}.{theirs}.{kind}",))
            joined = tuple(f"{there}.{layer}.self_attn.{part}_proj.{kind}" for part in "qkv")
            yield Entry(f"{here}.{layer}.attn.in_proj_{kind}", joined)


def _joined(entry: Entry, theirs: Mapping[str, Tensor]) -> Tensor:
    parts = [theirs[name] for name in entry.theirs]
    if entry.transposed:
        return parts[0].t()
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _parts(tensor: Tensor, count: int) -> Sequence[Tensor]:
    return (tensor,) if count == 1 else tensor.chunk(count)


def _counts(name: str, theirs: Mapping[str, Tensor]) -> bool:
    """Whether it is a list of positions in their order, which open_clip does not need."""
    if name not in POSITION_IDS:
        return False
    tensor = theirs[name]
    if tensor.dtype != torch.int64 or tensor.device.type != "cpu":
        return False
    return torch.equal(tensor.reshape(-1), torch.arange(tensor.numel()))


def _is_plain(tensor: Tensor) -> bool:
    """Whether it can be copied into a parameter: a pickle may hold other kinds too."""
    is_here = tensor.device.type == "cpu" and tensor.layout == torch.strided
    return is_here and tensor.is_floating_point()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
