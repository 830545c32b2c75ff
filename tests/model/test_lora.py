"""LoRA: starts as the model it is added to, trains only products, and merges to the same bits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from streetclip.errors import CheckpointError, ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.lora import (
    KEPT,
    add_products,
    export_merged,
    has_products,
    merged_backbone,
    merged_state,
    restore_products,
)

Make = Callable[..., Backbone]
IMAGE = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
TOKENS = torch.tensor([[49406, 320, 2012, 49407, 0, 0, 0, 0]] * 3)


def _moved(backbone: Backbone) -> Backbone:
    """With products that say something."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in backbone.named_parameters():
            if name.endswith(".up"):
                parameter.normal_(std=0.1)
    return backbone


def _features(backbone: Backbone) -> torch.Tensor:
    return torch.cat([backbone.encode_image(IMAGE), backbone.encode_text(TOKENS)])


def test_a_model_with_new_products_computes_what_it_did(make_backbone: Make) -> None:
    plain, adapted = make_backbone(), make_backbone()
    add_products(adapted, ["image", "text"], rank=2, alpha=4, seed=0)
    assert torch.equal(_features(plain), _features(adapted))
    assert has_products(adapted)
    assert not has_products(plain)


def test_only_products_and_the_logit_scale_are_trained(tiny: Backbone) -> None:
    add_products(tiny, ["image", "text"], rank=2, alpha=4, seed=0)
    _features(tiny).sum().backward()  # type: ignore[no-untyped-call]
    trained = {name for name, value in tiny.clip.named_parameters() if value.requires_grad}
    # Four matrices in each of one image block and two text blocks, two factors each.
    assert len(trained - {"logit_scale"}) == 4 * 3 * 2
    for name, parameter in tiny.clip.named_parameters():
        if name.endswith(".up"):
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_one_tower_can_have_products_and_the_other_be_whole(tiny: Backbone) -> None:
    add_products(tiny, ["text"], rank=1, alpha=1, seed=0)
    trained = {name for name, value in tiny.clip.named_parameters() if value.requires_grad}
    assert "visual.conv1.weight" in trained
    assert "token_embedding.weight" not in trained
    assert not any("visual" in name and "parametrizations" in name for name in trained)


def test_the_sum_is_what_the_paper_says(make_backbone: Make) -> None:
    plain, adapted = make_backbone(), make_backbone()
    add_products(adapted, ["image"], rank=2, alpha=3, seed=0)
    _moved(adapted)
    mlp: Any = adapted.clip.visual.transformer.resblocks[0].mlp  # type: ignore[union-attr, index]
    product = mlp.c_fc.parametrizations.weight[0]
    before = plain.clip.visual.transformer.resblocks[0].mlp.c_fc.weight  # type: ignore[union-attr, index]
    expected = before.double() + product.up.double() @ product.down.double() * 1.5
    assert torch.allclose(mlp.c_fc.weight.double(), expected, atol=1e-7)


def test_merged_weights_give_the_same_features(tiny: Backbone) -> None:
    add_products(tiny, ["image", "text"], rank=2, alpha=4, seed=0)
    merged = merged_backbone(_moved(tiny))
    assert not has_products(merged)
    assert not any("parametrizations" in name for name in merged.state_dict())
    block: Any = tiny.clip.visual.transformer.resblocks[0]  # type: ignore[union-attr, index]
    same: Any = merged.clip.visual.transformer.resblocks[0]  # type: ignore[union-attr, index]
    # The weights are the same bits; torch may choose another kernel of attention for them.
    assert torch.equal(block.attn.in_proj_weight, same.attn.in_proj_weight)
    assert torch.equal(block.mlp.c_proj.weight, same.mlp.c_proj.weight)
    with torch.no_grad():
        assert torch.allclose(_features(merged), _features(tiny.eval()), atol=1e-6)


def test_attention_and_perceptron_agree_with_another_implementation(make_backbone: Make) -> None:
    """By hooks that add each product's own output, as LoRA is usually written."""
    plain, adapted = make_backbone(), make_backbone()
    add_products(adapted, ["image"], rank=2, alpha=4, seed=0)
    block: Any = _moved(adapted).clip.visual.transformer.resblocks[0]  # type: ignore[union-attr, index]
    other: Any = plain.clip.visual.transformer.resblocks[0]  # type: ignore[union-attr, index]
    for name in ("c_fc", "c_proj"):
        product = getattr(block.mlp, name).parametrizations.weight[0]

        def add(_: nn.Module, inputs: Any, output: Any, product: Any = product) -> Any:
            return output + inputs[0] @ product.down.T @ product.up.T * 2

        getattr(other.mlp, name).register_forward_hook(add)
    hidden = torch.randn(2, 5, 32)
    assert torch.allclose(block.mlp(hidden), other.mlp(hidden), atol=1e-5)
    with torch.no_grad():
        for name in ("in_proj_weight", "out_proj.weight"):
            module, _, last = name.rpartition(".")
            ours = block.attn.get_submodule(module).parametrizations[last]
            getattr(other.attn.get_submodule(module), last).add_(ours[0].up @ ours[0].down * 2)
    (ours,) = block.attn(hidden, hidden, hidden, need_weights=False)[:1]
    (theirs,) = other.attn(hidden, hidden, hidden, need_weights=False)[:1]
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_gradients_are_the_same_with_recomputed_activations(make_backbone: Make) -> None:
    gradients = []
    for recomputed in (False, True):
        backbone = make_backbone()
        add_products(backbone, ["image", "text"], rank=2, alpha=4, seed=0)
        _moved(backbone)
        if recomputed:
            backbone.checkpoint_gradients()
        _features(backbone).square().mean(dim=0).sum().backward()  # type: ignore[no-untyped-call]
        gradients.append({n: p.grad for n, p in backbone.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    assert all(torch.allclose(gradients[0][n], gradients[1][n], atol=1e-6) for n in gradients[0])


def test_the_seed_decides_the_products_and_leaves_other_randomness_alone(
    make_backbone: Make,
) -> None:
    states = []
    for seed in (0, 0, 1):
        backbone = make_backbone()
        torch.manual_seed(5)
        add_products(backbone, ["image"], rank=2, alpha=4, seed=seed)
        states.append(backbone.state_dict())
        assert torch.equal(torch.rand(1), torch.rand(1, generator=torch.manual_seed(5)))
    (name,) = (name for name in states[0] if name.endswith("c_fc.parametrizations.weight.0.down"))
    assert torch.equal(states[0][name], states[1][name])
    assert not torch.equal(states[0][name], states[2][name])


def test_a_checkpoint_exports_merged_weights_and_keeps_what_the_run_goes_on_with(
    tiny: Backbone,
) -> None:
    add_products(tiny, ["image"], rank=2, alpha=4, seed=0)
    state = {f"backbone.{name}": value for name, value in _moved(tiny).state_dict().items()}
    checkpoint: dict[str, Any] = {"state_dict": dict(state)}
    export_merged(checkpoint)
    assert not any("parametrizations" in name for name in checkpoint["state_dict"])
    assert checkpoint["state_dict"].keys() == {
        f"backbone.{name}" for name in merged_backbone(tiny).state_dict()
    }
    restore_products(checkpoint, tiny)
    assert checkpoint.keys() == {"state_dict"}
    assert checkpoint["state_dict"].keys() == state.keys()


def test_a_state_without_products_is_left_alone(tiny: Backbone) -> None:
    state = tiny.state_dict()
    assert merged_state(state).keys() == state.keys()
    checkpoint: dict[str, Any] = {"state_dict": state}
    export_merged(checkpoint)
    restore_products(checkpoint, tiny)
    assert checkpoint == {"state_dict": state}
    assert merged_backbone(tiny) is tiny


def test_the_checkpoint_of_another_way_to_train_is_refused(tiny: Backbone) -> None:
    with pytest.raises(CheckpointError, match=r"trains something else; got: LoRA; resume with"):
        restore_products({"state_dict": {}, KEPT: {}}, tiny)
    add_products(tiny, ["image"], rank=2, alpha=4, seed=0)
    with pytest.raises(CheckpointError, match="got: no LoRA"):
        restore_products({"state_dict": {}}, tiny)


@pytest.mark.parametrize("rank", [0, 32, 100])
def test_a_rank_that_saves_nothing_is_refused(tiny: Backbone, rank: int) -> None:
    with pytest.raises(ModelError, match=rf"model.lora.rank.*got: {rank}; allowed: 1 to 31"):
        add_products(tiny, ["image"], rank=rank, alpha=1, seed=0)


def test_a_tower_without_blocks_is_refused(make_backbone: Make) -> None:
    resnet = make_backbone(vision_cfg={"layers": [1, 1, 1, 1], "width": 8})
    with pytest.raises(ModelError, match=r"model.lora needs a transformer of open_clip as image"):
        add_products(resnet, ["image"], rank=1, alpha=1, seed=0)
