from collections.abc import Callable

import pytest

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.depth import (
    Place,
    blocks_of,
    check_layer_decay,
    learning_rate_scale,
    place_of,
)
from streetclip.model.trainable import lock_towers

Make = Callable[..., Backbone]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip.visual.conv1.weight", Place("image", 0, 1)),
        ("clip.visual.class_embedding", Place("image", 0, 1)),
        ("clip.visual.ln_pre.weight", Place("image", 0, 1)),
        ("clip.visual.transformer.resblocks.0.attn.in_proj_weight", Place("image", 1, 1)),
        ("clip.visual.ln_post.weight", Place("image", 2, 1)),
        ("clip.visual.proj", Place("image", 2, 1)),
        ("clip.token_embedding.weight", Place("text", 0, 2)),
        ("clip.positional_embedding", Place("text", 0, 2)),
        ("clip.transformer.resblocks.1.mlp.c_proj.bias", Place("text", 2, 2)),
        ("clip.ln_final.bias", Place("text", 3, 2)),
        ("clip.text_projection", Place("text", 3, 2)),
        ("clip.logit_scale", Place(None, 1, 0)),
    ],
)
def test_every_parameter_has_its_place(tiny: Backbone, name: str, expected: Place) -> None:
    assert name in dict(tiny.named_parameters())
    assert place_of(name, tiny) == expected


def test_text_towers_of_their_own_class_are_known(make_backbone: Make) -> None:
    custom = make_backbone(custom_text=True)
    assert len(blocks_of(custom, "text")) == 2
    assert place_of("clip.text.transformer.resblocks.1.ln_1.weight", custom) == Place("text", 2, 2)
    assert place_of("clip.text.text_projection", custom) == Place("text", 3, 2)


def test_learning_rates_fall_toward_the_input(tiny: Backbone) -> None:
    scales = [
        learning_rate_scale(f"clip.{name}", tiny, decay=0.5)
        for name in (
            *("logit_scale", "text_projection", "transformer.resblocks.1.ln_1.weight"),
            *("transformer.resblocks.0.ln_1.weight", "token_embedding.weight"),
            *("visual.proj", "visual.transformer.resblocks.0.ln_1.weight", "visual.conv1.weight"),
        )
    ]
    assert scales == [1, 1, 0.5, 0.25, 0.125, 1, 0.5, 0.25]


def test_depth_means_nothing_in_other_networks(make_backbone: Make) -> None:
    resnet = make_backbone(vision_cfg={"layers": [1, 1, 1, 1], "width": 8})
    assert place_of("clip.visual.conv1.weight", resnet).blocks == 0
    with pytest.raises(ModelError, match=r"optim.layer_decay needs a transformer of open_clip"):
        check_layer_decay(resnet)
    lock_towers(resnet, image=True, text=False)
    check_layer_decay(resnet)
