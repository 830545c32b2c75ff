"""open_clip's two towers behind one small surface; no other room imports open_clip.

Models are built from their configuration by open_clip's own classes, whether the configuration
comes from its list, from a file or from a checkpoint, so that all three give the same model.
"""

import difflib
import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import open_clip
import torch
from jaxtyping import Float, Int, UInt8
from open_clip.factory import load_checkpoint
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg, CustomTextCLIP
from open_clip.pretrained import download_pretrained, get_pretrained_cfg
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.errors import ModelError
from streetclip.model.image import fastest_layout
from streetclip.model.pickled import check_pickled
from streetclip.model.pretrained import (
    check_activation,
    check_weight_file,
    configuration_beside,
    looks_like_path,
    misfit,
)
from streetclip.model.spec import BackboneSpec, read_spec, spec_of
from streetclip.model.text import takes_short_context, text_features
from streetclip.model.tokenize import Tokenize
from streetclip.model.wide import wide
from streetclip.records import Preprocess

_log = logging.getLogger(__name__)


class Backbone(nn.Module):
    """Two towers, what they expect, and how to build them again.

    Args:
        clip: open_clip's model.
        spec: Its specification.
    """

    statistics: Tensor

    def __init__(self, clip: nn.Module, spec: BackboneSpec) -> None:
        super().__init__()
        self.clip = clip
        self.spec = spec
        self._layout = fastest_layout(cast(Any, clip).visual)
        cast(Any, clip).visual.to(memory_format=self._layout)
        self.tokenize = Tokenize(spec.context_length, short=takes_short_context(clip))
        # Mean and standard deviation; not part of the weights, as the specification holds them.
        numbers = torch.tensor([spec.preprocess.mean, spec.preprocess.std], dtype=torch.float32)
        self.register_buffer("statistics", numbers.view(2, 1, 3, 1, 1), persistent=False)

    @property
    def preprocess(self) -> Preprocess:
        """Size, mean and standard deviation of the images."""
        return self.spec.preprocess

    @property
    def logit_scale(self) -> Float[Tensor, ""]:
        """What cosines are multiplied with (the exponential of the parameter), in fp32 at least."""
        return self.log_logit_scale.exp().reshape(())

    @property
    def logit_bias(self) -> Float[Tensor, ""] | None:
        """What a loss of single pairs adds to its logits; None where the model has none."""
        bias: Tensor | None = getattr(self.clip, "logit_bias", None)
        return None if bias is None else bias.reshape(())

    @property
    def scalars(self) -> list[nn.Parameter]:
        """Parameters of the loss and of no tower: logarithm of the logit scale, logit bias."""
        bias: nn.Parameter | None = getattr(self.clip, "logit_bias", None)
        return [self.log_logit_scale] if bias is None else [self.log_logit_scale, bias]

    @property
    def log_logit_scale(self) -> nn.Parameter:
        """The parameter itself."""
        return cast(nn.Parameter, self.clip.logit_scale)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Backbone":
        """Moves and casts all; the logit scale and the statistics stay in fp32 at least.

        ln 100 is no number of bf16, and small steps of the logit scale vanish in it.
        """
        scale, statistics = self.log_logit_scale.detach().clone(), self.statistics.clone()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        device = self.log_logit_scale.device
        self.log_logit_scale.data = scale.to(device, wide(self.log_logit_scale).dtype)
        self.statistics = statistics.to(device)
        return self

    def clamp_logit_scale(self, most: float) -> None:
        """Keep the logit scale between 1 and a number."""
        with torch.no_grad():
            self.log_logit_scale.clamp_(0.0, math.log(most))

    def checkpoint_gradients(self) -> None:
        """From now on the backward pass computes activations again instead of keeping them."""
        cast(Any, self.clip).set_grad_checkpointing(True)

    def encode_image(
        self, image: UInt8[Tensor, "n 3 h w"] | Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, "n d"]:
        """Features of images, of length 1, in fp32 at least.

        Args:
            image: 0 to 255 as integers, or 0 to 1 as floats; this method takes off the mean.
        """
        pixels = image.float().div(255) if image.dtype == torch.uint8 else image.float()
        mean, std = self.statistics
        clip = cast(Any, self.clip)
        pixels = ((pixels - mean) / std).to(next(clip.visual.parameters()).dtype)
        features = clip.encode_image(pixels.contiguous(memory_format=self._layout))
        return F.normalize(wide(features), dim=-1)

    def encode_text(self, tokens: Int[Tensor, "p t"]) -> Float[Tensor, "p d"]:
        """Features of token rows of any length up to the context, of length 1, in fp32 at least."""
        return F.normalize(wide(text_features(self.clip, tokens)), dim=-1)


def create_backbone(
    name: str,
    *,
    pretrained: str | None = None,
    gradient_checkpointing: bool = False,
    seed: int | None = None,
) -> Backbone:
    """A model by its name or configuration file, with new weights or somebody's.

    Args:
        name: A model of open_clip, or the path of a configuration file (`.json`).
        pretrained: A tag of open_clip (needs its hub) or the path of a weight file.
        gradient_checkpointing: Recompute activations in the backward pass.
        seed: Of new weights; None takes torch's generator as it is.

    Returns:
        The model on the CPU, in fp32 and training mode.

    Raises:
        ModelError: Name, file, tag or activation is wrong, or the hub cannot be reached.

    Example:
        >>> create_backbone("ViT-B32")
        Traceback (most recent call last):
        ...
        streetclip.errors.ModelError: no model 'ViT-B32' in open_clip; nearest: ViT-B-32, ...
    """
    spec = read_spec(Path(name)) if name.endswith(".json") else _listed_spec(name, pretrained)
    path = None if pretrained is None else _weight_file(spec, pretrained)
    backbone = rebuild_backbone(spec, seed=seed)
    if path is None:
        _log.info("model '%s' starts from new weights", name)
    else:
        _load_weights(backbone, path)
    if gradient_checkpointing:
        backbone.checkpoint_gradients()
    return backbone


def rebuild_backbone(spec: BackboneSpec, *, seed: int | None = None) -> Backbone:
    """The model of a specification, with new weights.

    Args:
        spec: As a checkpoint keeps it.
        seed: Of the weights; None takes torch's generator as it is.

    Returns:
        The model on the CPU, in fp32 and training mode.

    Raises:
        ModelError: open_clip cannot build it.
    """
    config = spec_of(spec.name, spec.config).config
    custom = config.pop("custom_text", False)
    if config["vision_cfg"].get("timm_model_name"):
        config["vision_cfg"]["timm_model_pretrained"] = False
    with torch.random.fork_rng(enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        try:
            clip = (CustomTextCLIP if custom else CLIP)(**config)
        except (TypeError, ValueError, AssertionError, RuntimeError) as error:
            raise ModelError(
                f"open_clip cannot build model '{spec.name}'", got=f"{error!r}"
            ) from error
    if clip.logit_bias is not None:
        # A softmax does not see it, and a parameter without gradient would stop DDP.
        clip.logit_bias.requires_grad_(False)
    return Backbone(clip, spec)


def complete_config(spec: BackboneSpec) -> dict[str, Any]:
    """A specification's configuration with open_clip's defaults written out, for comparisons."""
    config = spec_of(spec.name, spec.config).config
    config["vision_cfg"] = asdict(CLIPVisionCfg(**config["vision_cfg"]))
    config["text_cfg"] = asdict(CLIPTextCfg(**config["text_cfg"]))
    plain = {"quick_gelu": False, "custom_text": False, **config}
    return cast(dict[str, Any], json.loads(json.dumps(plain)))


def _listed_spec(name: str, pretrained: str | None) -> BackboneSpec:
    known = open_clip.list_models()
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=4, cutoff=0.3)
        raise ModelError(
            f"no model '{name}' in open_clip; nearest: {', '.join(nearest) or 'none'}",
            remedy="name one of open_clip's models or the path of a .json configuration",
        )
    numbers = {} if pretrained is None else _preprocess_of(name, pretrained)
    if numbers.get("resize_mode", "shortest") != "shortest":
        _log.warning("'%s' was trained on squashed photographs; here they are cropped", pretrained)
    return spec_of(name, open_clip.get_model_config(name), preprocess=numbers)


def _preprocess_of(name: str, pretrained: str) -> dict[str, Any]:
    if looks_like_path(pretrained):
        beside = configuration_beside(Path(pretrained)) or {}
        return dict(beside.get("preprocess_cfg", {}))
    return dict(get_pretrained_cfg(name, pretrained))


def _weight_file(spec: BackboneSpec, pretrained: str) -> Path:
    """The local file of a path or tag, after everything that can be checked beforehand."""
    if looks_like_path(pretrained):
        check_weight_file(Path(pretrained), spec)
        return Path(pretrained)
    tag = get_pretrained_cfg(spec.name, pretrained)
    if not tag:
        tags = open_clip.list_pretrained_tags_by_model(spec.name)
        raise ModelError(
            f"no weights '{pretrained}' for model '{spec.name}'",
            allowed=", ".join(tags) or "no tag; new weights, or a file",
            remedy="give the path of a weight file, or one of its tags",
        )
    check_activation(spec, bool(tag.get("quick_gelu", False)), source=pretrained)
    try:
        return Path(download_pretrained(tag))
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        # The hub's client has many kinds of network error; all are OSError or RuntimeError.
        raise ModelError(
            f"weights '{pretrained}' of model '{spec.name}' cannot be fetched",
            got=f"{type(error).__name__}: {error}".splitlines()[0],
            remedy="fetch the file where there is a network, and give its path as model.pretrained",
        ) from error


def _load_weights(backbone: Backbone, path: Path) -> None:
    refuse = misfit(path, backbone.spec)
    check_pickled(path, refuse)  # open_clip 3.3 reads again without protection on a TypeError
    try:
        load_checkpoint(backbone.clip, str(path), strict=True, weights_only=True)
    except Exception as error:  # its conversions trust the names and shapes that a file has
        raise refuse(error) from error
    _log.info("model '%s' starts from %s", backbone.spec.name, path)
