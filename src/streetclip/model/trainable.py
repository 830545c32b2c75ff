"""Which parts of a model are trained."""

from collections.abc import Mapping
from dataclasses import dataclass

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.depth import Tower, needed_blocks, place_of, tower_of
from streetclip.model.lora import add_products

TOWERS: tuple[Tower, ...] = ("image", "text")


@dataclass(frozen=True, slots=True)
class Trained:
    """What of a model is trained; each tower is whole where nothing else is said.

    Args:
        last_blocks: Of a tower, how many of its last blocks are trained, and all behind them.
        lora_rank: Rank of the products; None trains none.
        lora_alpha: Their weight is alpha / rank; None takes the rank.
        lora_dropout: Share of a matrix's inputs that its product does not see in a pass.
        lora_towers: Which towers get products instead of being trained themselves.
        locked: Towers that are not trained at all.
    """

    last_blocks: Mapping[Tower, int]
    lora_rank: int | None = None
    lora_alpha: float | None = None
    lora_dropout: float = 0.0
    lora_towers: tuple[Tower, ...] = TOWERS
    locked: tuple[Tower, ...] = ()


def choose_trained(backbone: Backbone, chosen: Trained, *, seed: int) -> None:
    """Freeze what is not trained, and add what is trained instead.

    Args:
        backbone: Changed in place; locked towers are left to `lock_towers`.
        chosen: What is trained.
        seed: Of the products' random halves.

    Raises:
        ModelError: Two choices are made for one tower, or a tower cannot be trained so.
    """
    with_products = () if chosen.lora_rank is None else chosen.lora_towers
    _refuse_two_choices(chosen, with_products)
    for tower, blocks in chosen.last_blocks.items():
        train_last_blocks(backbone, tower, blocks)
    if chosen.lora_rank is not None:
        alpha = chosen.lora_rank if chosen.lora_alpha is None else chosen.lora_alpha
        add_products(
            backbone,
            with_products,
            rank=chosen.lora_rank,
            alpha=alpha,
            seed=seed,
            dropout=chosen.lora_dropout,
        )


def train_last_blocks(backbone: Backbone, tower: Tower, blocks: int) -> None:
    """Freeze a tower but for its last blocks and what lies behind them: norm and projection.

    Args:
        backbone: Changed in place.
        tower: Which.
        blocks: How many, counted from the end.

    Raises:
        ModelError: The tower has fewer blocks, or none.
    """
    number = len(needed_blocks(backbone, tower, f"model.last_blocks_{tower}"))
    if not 1 <= blocks <= number:
        raise ModelError(f"model.last_blocks_{tower}", got=blocks, allowed=f"1 to {number}")
    for name, parameter in backbone.named_parameters():
        place = place_of(name, backbone)
        if place.tower == tower and place.depth <= number - blocks:
            parameter.requires_grad_(False)


def lock_towers(backbone: Backbone, *, image: bool, text: bool) -> None:
    """Exclude a tower from training; the logit scale is always trained.

    Args:
        backbone: Changed in place.
        image: Lock the image tower.
        text: Lock the text tower.

    Raises:
        ModelError: Both are to be locked.
    """
    if image and text:
        raise ModelError(
            "both towers are locked, so there is nothing to train",
            remedy="unset model.lock_image or model.lock_text",
        )
    locked = {"image": image, "text": text}
    for name, parameter in backbone.named_parameters():
        tower = tower_of(name)
        if tower is not None and locked[tower]:
            parameter.requires_grad_(False)


def _refuse_two_choices(chosen: Trained, with_products: tuple[Tower, ...]) -> None:
    for tower in TOWERS:
        choices = {
            f"model.lock_{tower}": tower in chosen.locked,
            f"model.last_blocks_{tower}": tower in chosen.last_blocks,
            "model.lora": tower in with_products,
        }
        made = [name for name, is_made in choices.items() if is_made]
        if len(made) > 1:
            raise ModelError(
                f"the {tower} tower can be trained in one way only",
                got=" and ".join(made),
                remedy="unset all but one of them; model.lora.towers names the towers of LoRA",
            )
