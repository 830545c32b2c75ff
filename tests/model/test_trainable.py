from collections.abc import Callable
from typing import Any

import pytest

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.trainable import Trained, choose_trained, lock_towers, train_last_blocks


def trained_names(backbone: Backbone) -> set[str]:
    return {name for name, value in backbone.clip.named_parameters() if value.requires_grad}


@pytest.mark.parametrize(("image", "text"), [(False, False), (True, False), (False, True)])
def test_a_locked_tower_is_not_trained_and_the_logit_scale_always_is(
    tiny: Backbone, image: bool, text: bool
) -> None:
    lock_towers(tiny, image=image, text=text)
    trained = {name for name, value in tiny.clip.named_parameters() if value.requires_grad}
    assert "logit_scale" in trained
    assert ("visual.conv1.weight" in trained) is not image
    assert ("token_embedding.weight" in trained) is not text


def test_a_model_with_both_towers_locked_is_refused(tiny: Backbone) -> None:
    with pytest.raises(ModelError, match="both towers are locked, so there is nothing to train"):
        lock_towers(tiny, image=True, text=True)


def test_the_last_blocks_are_trained_with_what_lies_behind_them(tiny: Backbone) -> None:
    train_last_blocks(tiny, "text", 1)
    text = {name for name in trained_names(tiny) if not name.startswith(("visual.", "logit_"))}
    assert {name.split(".")[0] for name in text} == {"transformer", "ln_final", "text_projection"}
    blocks = {name for name in text if name.startswith("transformer")}
    assert blocks
    assert all(name.startswith("transformer.resblocks.1.") for name in blocks)
    assert {"visual.conv1.weight", "logit_scale"} <= trained_names(tiny)


def test_all_blocks_still_leave_the_embeddings_alone(tiny: Backbone) -> None:
    train_last_blocks(tiny, "image", 1)
    image = {name for name in trained_names(tiny) if name.startswith("visual.")}
    assert "visual.conv1.weight" not in image
    assert {"visual.proj", "visual.ln_post.weight"} <= image


@pytest.mark.parametrize("blocks", [0, 2])
def test_more_blocks_than_there_are_are_refused(tiny: Backbone, blocks: int) -> None:
    with pytest.raises(ModelError, match=f"last_blocks_image; got: {blocks}; allowed: 1 to 1"):
        train_last_blocks(tiny, "image", blocks)


def test_the_blocks_of_another_network_are_refused(make_backbone: Callable[..., Backbone]) -> None:
    resnet = make_backbone(vision_cfg={"layers": [1, 1, 1, 1], "width": 8})
    with pytest.raises(ModelError, match="last_blocks_image needs a transformer of open_clip"):
        train_last_blocks(resnet, "image", 1)


def test_towers_can_be_trained_in_different_ways(tiny: Backbone) -> None:
    chosen = Trained(last_blocks={"text": 1}, lora_rank=2, lora_towers=("image",))
    choose_trained(tiny, chosen, seed=0)
    names = trained_names(tiny)
    assert any("visual" in name and name.endswith(".up") for name in names)
    assert "visual.proj" not in names
    assert "text_projection" in names


def test_nothing_chosen_trains_all(tiny: Backbone) -> None:
    choose_trained(tiny, Trained(last_blocks={}), seed=0)
    assert all(parameter.requires_grad for parameter in tiny.parameters())


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"last_blocks": {"image": 1}, "locked": ("image",)}, "lock_image and model.last_blocks_i"),
        ({"last_blocks": {"text": 1}, "lora_rank": 1}, "model.last_blocks_text and model.lora"),
        (
            {"last_blocks": {}, "lora_rank": 1, "locked": ("text",)},
            "model.lock_text and model.lora",
        ),
    ],
)
def test_two_choices_for_one_tower_are_refused(
    tiny: Backbone, chosen: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=f"in one way only; got: .*{message}.*unset all but one"):
        choose_trained(tiny, Trained(**chosen), seed=0)
