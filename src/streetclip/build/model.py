"""Models from options: a new one, somebody's weights, or one of our checkpoints."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from streetclip.config.schema import Experiment, LoraConfig, ModelConfig
from streetclip.data.decode import center_crop
from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone, create_backbone, rebuild_backbone
from streetclip.model.hf_model import PREFIX as HF
from streetclip.model.hf_model import hf_spec, load_hf
from streetclip.model.module import StreetclipModule
from streetclip.model.open_clip_folder import CONFIG_FILE, open_clip_folder
from streetclip.model.tokenize import Tokenize
from streetclip.model.trainable import TOWERS, Trained
from streetclip.model.weights import load_backbone, start_from
from streetclip.shards.cache import Cache
from streetclip.shards.checked import fetch_checked
from streetclip.shards.remote import SCHEMES, is_url, scheme_of

OPEN_CLIP = "open_clip:"
"""What may stand before a model of open_clip, where a model is named."""


def new_backbone(
    options: ModelConfig, *, seed: int, cache: Cache | None = None, weights: bool = True
) -> Backbone:
    """The towers that an experiment starts with.

    Args:
        options: Of the experiment.
        seed: Of new weights.
        cache: Where a checkpoint from a URL is kept; None is the user's.
        weights: False gives new weights whatever the options say: nothing is fetched or read but
            configurations.

    Raises:
        InputError: Name, weights or checkpoint are wrong.
    """
    if options.pretrained is not None and options.start_from is not None:
        raise ModelError(
            "model.pretrained and model.start_from are both set",
            remedy="weights come from one place: unset one of them",
        )
    if options.pretrained is not None and options.name.startswith((HF, OPEN_CLIP)):
        raise ModelError(
            f"model.name '{options.name}' brings weights, and model.pretrained is set too",
            remedy="weights come from one place: unset model.pretrained",
        )
    backbone = _of_experiment(options, seed) if weights else _bare(options, seed)
    if options.start_from is not None and weights:
        start_from(backbone, Path(on_disk(options.start_from, cache)))
    return backbone


def on_disk(name: str, cache: Cache | None = None) -> str:
    """A model's name as it is, and the path of a checkpoint that has been fetched from a URL.

    Args:
        name: Any name of a model; behind a URL may stand ``#sha256=HEX``.
        cache: Where it is kept; None is the user's.

    Raises:
        ShardError: It cannot be fetched, or has another digest.
    """
    if is_url(name) and scheme_of(name) in SCHEMES:
        return str(fetch_checked(name, cache))
    return name


def is_checkpoint(name: str) -> bool:
    """Whether a model's name is the path of one of our checkpoints.

    Args:
        name: Of `on_disk`.
    """
    path = Path(name)
    if name.startswith((HF, OPEN_CLIP)):
        return False
    return path.suffix == ".ckpt" or (path.is_file() and path.suffix != ".json")


def named_backbone(name: str, cache: Cache | None = None) -> Backbone:
    """A model to evaluate.

    Args:
        name: One of our checkpoints; its URL (behind which ``#sha256=HEX`` may stand);
            ``hf:FOLDER``, a local folder of transformers; or a model of open_clip: ``NAME``,
            ``NAME:TAG``, ``NAME:PATH``, with or without ``open_clip:`` before it, or
            ``open_clip:FOLDER``, where its configuration and weights lie.
        cache: Where a checkpoint from a URL is kept; None is the user's.

    Raises:
        InputError: There is no such file or model.
    """
    if name.startswith(HF):
        return load_hf(Path(name.removeprefix(HF)))
    if name.startswith(OPEN_CLIP):
        return _of_open_clip(name.removeprefix(OPEN_CLIP), 0)
    name = on_disk(name, cache)
    if is_checkpoint(name):
        return load_backbone(Path(name))
    return _of_open_clip(name, 0)


def _of_open_clip(name: str, seed: int) -> Backbone:
    # A folder that is called like a model, and holds none, does not hide the model.
    if (Path(name) / CONFIG_FILE).is_file() or ("/" in name and Path(name).is_dir()):
        folder = open_clip_folder(Path(name))
        return create_backbone(str(folder.config), pretrained=str(folder.weights), seed=seed)
    model, _, weights = name.partition(":")
    if not model:
        raise ModelError(f"no model before ':' in '{name}'", allowed="open_clip:NAME:TAG_OR_PATH")
    return create_backbone(model, pretrained=weights or None, seed=seed)


def _of_experiment(options: ModelConfig, seed: int) -> Backbone:
    if not options.name.startswith((HF, OPEN_CLIP)):
        return create_backbone(options.name, pretrained=options.pretrained, seed=seed)
    return named_backbone(options.name).train()


def _bare(options: ModelConfig, seed: int) -> Backbone:
    """The same towers without their weights; whoever names a folder has its configuration."""
    if options.name.startswith(HF):
        return rebuild_backbone(hf_spec(Path(options.name.removeprefix(HF))), seed=seed)
    name, _, tag = options.name.removeprefix(OPEN_CLIP).partition(":")
    if (Path(name) / CONFIG_FILE).is_file():
        name = str(Path(name) / CONFIG_FILE)
    pretrained = options.pretrained if options.pretrained is not None else tag or None
    return create_backbone(name, pretrained=pretrained, seed=seed, weights=False)


def trained_of(options: ModelConfig) -> Trained:
    """What of a model an experiment trains.

    Args:
        options: Of the experiment.

    Raises:
        ModelError: A tower is named that there is not, or options of LoRA are set without a rank.
    """
    unknown = sorted(set(options.lora.towers) - set(TOWERS))
    if unknown or not options.lora.towers:
        raise ModelError(
            "model.lora.towers", got=", ".join(unknown) or "none", allowed=", ".join(TOWERS)
        )
    _refuse_lora_without_rank(options.lora)
    blocks = {"image": options.last_blocks_image, "text": options.last_blocks_text}
    locked = {"image": options.lock_image, "text": options.lock_text}
    return Trained(
        last_blocks={tower: count for tower in TOWERS if (count := blocks[tower]) is not None},
        lora_rank=options.lora.rank,
        lora_alpha=options.lora.alpha,
        lora_dropout=options.lora.dropout,
        lora_towers=tuple(tower for tower in TOWERS if tower in options.lora.towers),
        locked=tuple(tower for tower in TOWERS if locked[tower]),
    )


def _refuse_lora_without_rank(lora: LoraConfig) -> None:
    defaults = LoraConfig()
    idle = [
        f"model.lora.{name}"
        for name in ("alpha", "dropout", "towers")
        if getattr(lora, name) != getattr(defaults, name)
    ]
    if lora.rank is None and idle:
        raise ModelError(
            "options of LoRA without model.lora.rank change nothing",
            got=", ".join(idle),
            remedy="set model.lora.rank, or unset them",
        )


def training_module(options: Experiment, backbone: Backbone) -> StreetclipModule:
    """The LightningModule of an experiment."""
    optim, model = options.optim, options.model
    module = StreetclipModule(
        backbone,
        lr=optim.lr,
        weight_decay=optim.weight_decay,
        beta1=optim.beta1,
        beta2=optim.beta2,
        eps=optim.eps,
        schedule=optim.schedule,  # type: ignore[arg-type]  # checked when the options were read
        layer_decay=optim.layer_decay,
        warmup_steps=optim.warmup_steps,
        warmup_share=optim.warmup_share,
        clip_norm=optim.clip_norm,
        micro_batch_size=options.data.micro_batch_size,
        accumulate=options.accumulate.mode,  # type: ignore[arg-type]  # likewise
        loss_kind=options.loss.kind,
        negatives=options.loss.negatives,  # type: ignore[arg-type]  # likewise
        max_logit_scale=options.loss.max_logit_scale,
        lock_image=model.lock_image,
        lock_text=model.lock_text,
        gradient_checkpointing=model.gradient_checkpointing,
        seed=options.seed,
    )
    if model.compile:
        # Last, so that it is the blocks as they are trained.
        backbone.compile_blocks()
    return module


def load(name: str | Path) -> tuple[Backbone, Callable[[Image.Image], Tensor], Tokenize]:
    """A model with what it needs to see and to read.

    Args:
        name: As `named_backbone` takes it.

    Returns:
        The model in evaluation mode, a function from a picture to uint8 [3, h, w] that
        `model.encode_image` takes in batches, and a function from texts to tokens that
        `model.encode_text` takes.

    Raises:
        InputError: There is no such file or model.

    Example:
        >>> model, preprocess, tokenize = load("experiments/models/tiny_vit_64.json")
        >>> picture = Image.new("RGB", (200, 100))
        >>> image = model.encode_image(preprocess(picture)[None])
        >>> text = model.encode_text(tokenize(["A Street View photo in France."]))
        >>> tuple((image @ text.T).shape)
        (1, 1)
    """
    backbone = named_backbone(str(name)).eval()
    height, width = backbone.preprocess.height, backbone.preprocess.width

    def preprocess(picture: Image.Image) -> Tensor:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
        pixels = torch.from_numpy(np.array(upright)).permute(2, 0, 1)
        return center_crop(pixels, height=height, width=width)

    return backbone, preprocess, backbone.tokenize
