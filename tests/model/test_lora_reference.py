"""LoRA against peft, dropout of products, and that every way to train a part uses all it trains."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, inject_adapter_in_model
from tests.model.conftest import move_products
from tests.model.fitting import fit
from torch import Tensor

from streetclip.errors import ConfigError
from streetclip.model.backbone import Backbone
from streetclip.model.depth import learning_rate_scale
from streetclip.model.lora import Product, add_products, merged_backbone, merged_state
from streetclip.model.module import StreetclipModule
from streetclip.model.trainable import Trained, choose_trained
from streetclip.training.ema import Ema

Make = Callable[..., Backbone]
MakeBatch = Callable[..., dict[str, Any]]
WAYS: Mapping[str, Trained] = {
    "whole": Trained(last_blocks={}),
    "last blocks": Trained(last_blocks={"image": 1, "text": 1}),
    "LoRA": Trained(last_blocks={}, lora_rank=2),
    "LoRA beside last blocks": Trained(
        last_blocks={"image": 1}, lora_rank=2, lora_dropout=0.5, lora_towers=("text",)
    ),
}
# Of our factor `up` in peft's, matrix by matrix; see `_with_peft`.
SHARES = (1.0, 0.5, 1.0, 1.0)


def _blocks(backbone: Backbone) -> list[Any]:
    clip: Any = backbone.clip
    return [*clip.visual.transformer.resblocks, *clip.transformer.resblocks]


def _products(block: Any) -> list[Product]:
    attn, mlp = block.attn, block.mlp
    return [
        attn.parametrizations.in_proj_weight[0],
        attn.out_proj.parametrizations.weight[0],
        mlp.c_fc.parametrizations.weight[0],
        mlp.c_proj.parametrizations.weight[0],
    ]


def _peft_layers(block: Any) -> list[Any]:
    return [block.attn, block.attn.base_layer.out_proj, block.mlp.c_fc, block.mlp.c_proj]


def _with_peft(plain: Backbone, ours: Backbone) -> Backbone:
    """The plain model with peft's adapters, which take the factors of ours.

    peft 0.21 adds the product of attention's `out_proj` twice (its own merge writes it into the
    weight and then asks the layer to merge as well), so it gets half of ours. Only one of the two
    has gradients.
    """
    config = LoraConfig(r=2, lora_alpha=4, target_modules=["attn", "c_fc", "c_proj"])
    inject_adapter_in_model(config, plain.clip)
    with torch.no_grad():
        for theirs, block in zip(_blocks(plain), _blocks(ours), strict=True):
            layers, products = _peft_layers(theirs), _products(block)
            for layer, product, share in zip(layers, products, SHARES, strict=True):
                layer.lora_A["default"].weight.copy_(product.down)
                layer.lora_B["default"].weight.copy_(product.up * share)
    return plain


def _features(backbone: Backbone, batch: Mapping[str, Any]) -> Tensor:
    return torch.cat([backbone.encode_image(batch["image"]), backbone.encode_text(batch["tokens"])])


def test_features_and_gradients_are_those_of_peft(
    make_backbone: Make, make_batch: MakeBatch
) -> None:
    plain, ours = make_backbone().double(), make_backbone().double()
    add_products(ours, ["image", "text"], rank=2, alpha=4, seed=0)
    theirs = _with_peft(plain, move_products(ours))
    weigh = torch.randn(8, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    features = [_features(model, make_batch()) for model in (ours, theirs)]
    assert features[0].dtype == torch.float64
    torch.testing.assert_close(features[0], features[1], rtol=0, atol=1e-12)
    for each in features:
        (each * weigh).sum().backward()  # type: ignore[no-untyped-call]
    for block, other in zip(_blocks(ours), _blocks(theirs), strict=True):
        products, layers = _products(block), _peft_layers(other)
        for product, layer, share in zip(products, layers, SHARES, strict=True):
            for factor, weight, part in (
                (product.down, layer.lora_A["default"].weight, 1 / share),
                (product.up, layer.lora_B["default"].weight, 1.0),
            ):
                assert factor.grad is not None
                assert factor.grad.abs().max() > 0
                torch.testing.assert_close(factor.grad, weight.grad * part, rtol=0, atol=1e-12)


def test_merged_weights_are_the_unmerged_model_in_double_precision(
    make_backbone: Make, make_batch: MakeBatch
) -> None:
    ours = make_backbone().double()
    add_products(ours, ["image", "text"], rank=2, alpha=4, seed=0)
    merged = merged_backbone(move_products(ours))
    with torch.no_grad():
        before, after = _features(ours.eval(), make_batch()), _features(merged, make_batch())
    assert after.dtype == torch.float64
    torch.testing.assert_close(after, before, rtol=0, atol=1e-12)


def test_a_product_drops_inputs_in_training_only_and_keeps_their_mean() -> None:
    weight = torch.zeros(3, 400)
    product = Product(weight, rank=2, alpha=2, dropout=0.25)
    with torch.no_grad():
        product.up.fill_(1.0)
        product.down.fill_(1.0)
    torch.manual_seed(0)
    dropped = product(weight)
    # A column is an input: either no row of the product sees it, or all see more of it.
    assert dropped.unique().tolist() == pytest.approx([0.0, 2 / 0.75])
    assert torch.equal(dropped[0], dropped[2])
    share = (dropped[0] == 0).float().mean().item()
    # Four standard deviations of 400 draws.
    assert abs(share - 0.25) < 4 * (0.25 * 0.75 / 400) ** 0.5
    assert torch.equal(product.eval()(weight), torch.full_like(weight, 2.0))


def test_dropout_is_not_part_of_merged_weights(make_backbone: Make) -> None:
    states = []
    for dropout in (0.0, 0.9):
        backbone = make_backbone()
        add_products(backbone, ["image"], rank=2, alpha=4, seed=0, dropout=dropout)
        states.append(merged_state(move_products(backbone).train().state_dict()))
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_products_leave_the_generators_of_torch_where_they_stand(make_backbone: Make) -> None:
    backbone = make_backbone()
    before = torch.get_rng_state()
    add_products(backbone, ["image", "text"], rank=2, alpha=4, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("way", WAYS)
def test_every_trained_parameter_has_a_gradient_so_that_ranks_wait_for_none(
    make_backbone: Make, make_batch: MakeBatch, way: str
) -> None:
    backbone = make_backbone()
    choose_trained(backbone, WAYS[way], seed=0)
    features = _features(move_products(backbone), make_batch())
    (features.square() * backbone.logit_scale).sum(0)[0].backward()  # type: ignore[no-untyped-call]
    lacking = {
        name
        for name, parameter in backbone.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    }
    assert not lacking
    assert all(p.grad is None for p in backbone.parameters() if not p.requires_grad)


# Lightning 2.6.6 still names a class that torch 2.15 deprecates.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
# Batches of noise need no loader processes.
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize(
    ("way", "accumulate"), [("last blocks", "plain"), ("LoRA beside last blocks", "cached")]
)
def test_frozen_weights_keep_their_bits_also_in_averages(
    make_backbone: Make, make_batch: MakeBatch, tmp_path: Path, way: str, accumulate: Any
) -> None:
    backbone = make_backbone()
    choose_trained(backbone, WAYS[way], seed=0)
    before = copy.deepcopy(backbone.state_dict())
    frozen = {name for name, value in backbone.named_parameters() if not value.requires_grad}
    trained = {name for name, value in backbone.named_parameters() if value.requires_grad}
    module = StreetclipModule(
        backbone, lr=1e-2, warmup_steps=0, micro_batch_size=2, accumulate=accumulate
    )
    fit(tmp_path, module, [make_batch(0), make_batch(1)], Ema(decay=0.9))
    # At the end of training Lightning has put the averages into the model.
    after = backbone.state_dict()
    assert frozen
    assert {name for name in frozen if not torch.equal(after[name], before[name])} == set()
    assert {name for name in trained if torch.equal(after[name], before[name])} == set()


# Lightning 2.6.6 still names a class that torch 2.15 deprecates.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
# Batches of noise need no loader processes.
@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("way", [way for way in WAYS if way != "whole"])
def test_the_loss_of_a_part_falls_on_a_batch_seen_again_and_again(
    make_backbone: Make, make_batch: MakeBatch, tmp_path: Path, way: str
) -> None:
    backbone = make_backbone()
    choose_trained(backbone, WAYS[way], seed=0)
    module = StreetclipModule(backbone, lr=1e-2, schedule="constant", layer_decay=0.8)
    losses = [row["train/loss"] for row in fit(tmp_path, module, [make_batch(0)] * 12).metrics]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("decay", [0.0, -1.0, 1.5])
def test_a_learning_rate_that_grows_or_ends_with_depth_is_refused(
    tiny: Backbone, decay: float
) -> None:
    scale = partial(learning_rate_scale, backbone=tiny, decay=decay)
    with pytest.raises(ConfigError, match=r"optim.layer_decay is .*; allowed: above 0, to 1"):
        scale("clip.visual.proj")
