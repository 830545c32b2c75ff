"""Two gloo processes that train a part of a model take the steps of one, and leave the rest."""

import os
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tests.forkedranks import fork_ranks
from tests.model.conftest import TINY, move_products
from tests.model.fitting import fit
from torch import Tensor

from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.loss import clip_loss
from streetclip.model.module import StreetclipModule
from streetclip.model.spec import spec_of
from streetclip.model.trainable import Trained, choose_trained

pytestmark = pytest.mark.distributed

ROWS, STEPS = 10, 2
PRODUCTS = r"\.(up|down)$"
BEHIND = r"^clip\.(visual\.(ln_post\.|proj)|ln_final\.|text_projection)"


class Way(NamedTuple):
    """What is trained, and by which names it is known besides the logit scale."""

    trained: Trained
    names: str


WAYS = {
    "products": Way(Trained(last_blocks={}, lora_rank=2, lora_alpha=4), PRODUCTS),
    "last blocks": Way(Trained(last_blocks={"image": 1, "text": 1}), rf"\.resblocks\.1\.|{BEHIND}"),
    "products beside a locked tower": Way(
        Trained(last_blocks={}, lora_rank=2, lora_towers=("text",), locked=("image",)), PRODUCTS
    ),
}
# A rank has five rows: they are one pass, or three of which the last one is shorter.
PASSES = {"one pass": None, "cached passes": 2}
Fits = dict[tuple[str, str], "Seen"]


class Seen(NamedTuple):
    """Gradients and weights after each step."""

    gradients: list[dict[str, Tensor]]
    weights: list[dict[str, Tensor]]


class _Gradients(Callback):
    """Keeps copies, as the next step overwrites them."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: object, pl_module: Any, *_: object) -> None:
        named = pl_module.backbone.named_parameters()
        self.steps.append({n: p.grad.clone() for n, p in named if p.grad is not None})


def _backbone(way: str) -> Backbone:
    """In fp64, two blocks in each tower, and products that have begun to say something."""
    config = {**TINY, "vision_cfg": {**TINY["vision_cfg"], "layers": 2}}
    backbone = rebuild_backbone(spec_of("tiny", config), seed=7).double()
    choose_trained(backbone, WAYS[way].trained, seed=3)
    return move_products(backbone, std=0.1)


def _batch(backbone: Backbone, step: int, rows: slice = slice(ROWS)) -> dict[str, Any]:
    image = torch.rand(ROWS, 3, 32, 32, generator=torch.Generator().manual_seed(step))
    captions = [f"a street in town number {row} of {step}" for row in range(ROWS)]
    return {
        "image": image[rows],
        "tokens": backbone.tokenize(captions)[rows],
        "caption_id": torch.arange(ROWS)[rows],
        "keys": [f"{step}_{row}" for row in range(ROWS)][rows],
        "epoch": 0,
        "step": step,
    }


def _train(folder: Path, way: str, micro: int | None, rows: slice, **options: Any) -> Seen:
    backbone, gradients = _backbone(way), _Gradients()
    module = StreetclipModule(
        backbone,
        lr=1e-3,
        eps=1e-3,
        warmup_steps=0,
        clip_norm=None,
        micro_batch_size=micro,
        lock_image="image" in WAYS[way].trained.locked,
    )
    batches = [_batch(backbone, step, rows) for step in range(STEPS)]
    record = fit(folder, module, batches, gradients, **options)
    return Seen(gradients.steps, record.states)


def _train_ranks(folder: Path) -> None:
    """In each of two processes: all ways in all passes, with half of the rows."""
    rank, half = int(os.environ["LOCAL_RANK"]), ROWS // 2
    rows = slice(rank * half, (rank + 1) * half)
    options = {"strategy": "ddp", "devices": 2, "use_distributed_sampler": False}
    seen = {
        (way, passes): tuple(_train(folder, way, micro, rows, **options))
        for way in WAYS
        for passes, micro in PASSES.items()
    }
    torch.save(seen, folder / f"rank{rank}.pt")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[Fits]:
    folder = tmp_path_factory.mktemp("ranks")
    assert fork_ranks(lambda: _train_ranks(folder), 2) == [0, 0]
    saved = [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]
    return [{key: Seen(*seen) for key, seen in fits.items()} for fits in saved]


@pytest.fixture(scope="module")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Seen]:
    """All rows in one pass of one process."""
    known: dict[str, Seen] = {}

    def train(way: str) -> Seen:
        if way not in known:
            known[way] = _train(tmp_path_factory.mktemp("one"), way, None, slice(ROWS))
        return known[way]

    return train


def _gradients_by_hand(way: str) -> dict[str, Tensor]:
    """Of the first step's loss over all rows, in one graph and without the module."""
    backbone = _backbone(way)
    batch = _batch(backbone, 0)
    image = backbone.encode_image(batch["image"])
    text = backbone.encode_text(batch["tokens"])
    loss = clip_loss(image, text, backbone.logit_scale).loss
    named = {n: p for n, p in backbone.named_parameters() if _is_trained(n, way)}
    return dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))


def _is_trained(name: str, way: str) -> bool:
    return name == "clip.logit_scale" or bool(re.search(WAYS[way].names, name))


def _assert_close(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=0, atol=1e-12, msg=name)


@pytest.mark.parametrize("passes", list(PASSES))
@pytest.mark.parametrize("way", list(WAYS))
def test_two_ranks_train_a_part_as_one_process_does(
    ranks: list[Fits], one_process: Callable[[str], Seen], way: str, passes: str
) -> None:
    first, second = (fits[way, passes] for fits in ranks)
    expected = one_process(way)
    by_hand = _gradients_by_hand(way)
    assert all(gradient.abs().max() > 1e-9 for gradient in by_hand.values())
    assert first.gradients[0]["clip.logit_scale"].dtype == torch.float64
    _assert_close(first.gradients[0], by_hand)
    for step in range(STEPS):
        _assert_close(first.gradients[step], expected.gradients[step])
        _assert_close(first.weights[step], expected.weights[step])
        for name, weight in first.weights[step].items():
            assert torch.equal(weight, second.weights[step][name]), name


@pytest.mark.parametrize("passes", list(PASSES))
@pytest.mark.parametrize("way", list(WAYS))
def test_all_of_the_part_moves_on_both_ranks_and_nothing_else_does(
    ranks: list[Fits], way: str, passes: str
) -> None:
    begun = _backbone(way).state_dict()
    for fits in ranks:
        seen = fits[way, passes]
        for before, after in pairwise([begun, *seen.weights]):
            moved = {name for name in after if not torch.equal(before[name], after[name])}
            assert moved == {name for name in begun if _is_trained(name, way)}
