import pytest

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.trainable import lock_towers


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
