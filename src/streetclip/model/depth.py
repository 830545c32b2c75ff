"""Where a parameter stands in its tower: before, in or behind the blocks of its transformer."""

import re
from dataclasses import dataclass
from typing import Literal

from torch import nn

from streetclip.errors import ConfigError, ModelError
from streetclip.model.backbone import Backbone

Tower = Literal["image", "text"]

# open_clip's names, behind the tower's own beginning.
_BLOCK = re.compile(r"transformer\.resblocks\.(\d+)\.")
_BEHIND = ("ln_post", "proj", "attn_pool", "ln_final", "text_projection")


@dataclass(frozen=True, slots=True)
class Place:
    """A parameter's place.

    Args:
        tower: None for the logit scale and its bias, which belong to both.
        depth: 0 before the blocks, 1 to `blocks` in them, one more behind them.
        blocks: How many the tower has; 0 where it is no transformer of open_clip.
    """

    tower: Tower | None
    depth: int
    blocks: int


def place_of(name: str, backbone: Backbone) -> Place:
    """Where a parameter of a backbone stands.

    Args:
        name: As in `backbone.named_parameters()`.
        backbone: With that parameter.

    Example:
        >>> from streetclip.model.backbone import create_backbone
        >>> tiny = create_backbone("experiments/models/tiny_vit_64.json")
        >>> place_of("clip.visual.transformer.resblocks.1.mlp.c_fc.weight", tiny).depth
        2
        >>> place_of("clip.token_embedding.weight", tiny).depth, place_of("clip.logit_scale", tiny)
        (0, Place(tower=None, depth=1, blocks=0))
    """
    tower, inner = tower_of(name), name.removeprefix("clip.")
    if tower is None:
        return Place(None, 1, 0)
    number = len(blocks_of(backbone, tower))
    local = inner.removeprefix("visual.").removeprefix("text.")
    block = _BLOCK.match(local)
    if block:
        return Place(tower, int(block[1]) + 1, number)
    return Place(tower, number + 1 if local.startswith(_BEHIND) else 0, number)


def tower_of(name: str) -> Tower | None:
    """The tower of a parameter; None for the logit scale and its bias, which belong to both.

    Args:
        name: As in `backbone.named_parameters()`.

    Example:
        >>> tower_of("clip.visual.proj"), tower_of("clip.ln_final.bias")
        ('image', 'text')
    """
    inner = name.removeprefix("clip.")
    if inner.startswith("logit_"):
        return None
    return "image" if inner.startswith("visual.") else "text"


def blocks_of(backbone: Backbone, tower: Tower) -> list[nn.Module]:
    """The blocks of a tower's transformer, in order; none where it is another kind of network.

    Args:
        backbone: Of two towers.
        tower: Which.
    """
    clip = backbone.clip
    root = clip.visual if tower == "image" else getattr(clip, "text", clip)
    return list(getattr(getattr(root, "transformer", None), "resblocks", []))


def learning_rate_scale(name: str, backbone: Backbone, *, decay: float) -> float:
    """What a parameter's learning rate is multiplied with: the less, the nearer to the input.

    What lies behind the blocks, and the logit scale, have 1, the last block `decay`, the one before
    it its square, and what lies before the blocks (embeddings) the smallest. The towers are counted
    apart, as one may have more blocks than the other.

    Args:
        name: As in `backbone.named_parameters()`.
        backbone: With that parameter.
        decay: Above 0, at most 1.

    Raises:
        ConfigError: It is not.

    Source: Clark et al., ELECTRA, arXiv 2003.10555; Bao et al., BEiT, arXiv 2106.08254.
    """
    if not 0 < decay <= 1:
        raise ConfigError(
            "the optimizer", [f"optim.layer_decay is {decay}; allowed: above 0, to 1"]
        )
    place = place_of(name, backbone)
    return 1.0 if place.tower is None else float(decay ** (place.blocks + 1 - place.depth))


def check_layer_decay(backbone: Backbone) -> None:
    """Refuse a learning rate by depth where depth means nothing.

    Args:
        backbone: To be trained.

    Raises:
        ModelError: A tower that is trained is no transformer of open_clip.
    """
    trained = {
        place_of(name, backbone).tower
        for name, parameter in backbone.named_parameters()
        if parameter.requires_grad
    }
    for tower in ("image", "text"):
        if tower in trained:
            needed_blocks(backbone, tower, "optim.layer_decay")


def needed_blocks(backbone: Backbone, tower: Tower, option: str) -> list[nn.Module]:
    """The blocks of a tower that an option needs.

    Args:
        backbone: Of two towers.
        tower: Which.
        option: For the message.

    Raises:
        ModelError: The tower has none.
    """
    blocks = blocks_of(backbone, tower)
    if not blocks:
        raise ModelError(
            f"{option} needs a transformer of open_clip as {tower} tower",
            got=f"'{backbone.spec.name}', whose {tower} tower is another kind of network",
            remedy=f"unset {option}, or lock the tower or train it whole",
        )
    return blocks
