"""Which parts of a model are trained."""

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone


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
    for name, parameter in backbone.clip.named_parameters():
        is_image = name.startswith("visual.")
        is_text = not is_image and not name.startswith("logit_")
        if (is_image and image) or (is_text and text):
            parameter.requires_grad_(False)
