"""A folder of transformers' `CLIPModel` becomes our model, and ours becomes such a folder."""

import json
import logging
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from streetclip.errors import ModelMismatchError
from streetclip.model.backbone import Backbone, complete_config, rebuild_backbone
from streetclip.model.hf_config import open_clip_config
from streetclip.model.hf_express import transformers_config
from streetclip.model.hf_files import (
    CONFIG_FILE,
    check_folder,
    read_json,
    read_preprocessor,
    read_weights,
)
from streetclip.model.hf_keys import Entry, differences, entries, to_open_clip, to_transformers
from streetclip.model.hf_preprocess import preprocess_config, read_preprocess
from streetclip.model.spec import BackboneSpec, spec_of
from streetclip.model.vocabulary import tokenizer_files, tokenizer_problems

PREFIX = "hf:"
"""What stands before a folder of transformers, where a model is named."""

_log = logging.getLogger(__name__)


def load_hf(folder: Path) -> Backbone:
    """The model in a local folder of transformers, such as that of StreetCLIP.

    Activation, sizes and preprocessing are taken from the folder's files. Where they, the weights
    or the tokenizer are not what can be built here, everything that differs is named at once.

    Args:
        folder: With `config.json` and weights; `preprocessor_config.json` and files of the
            tokenizer are read where they lie there.

    Returns:
        The model on the CPU, in fp32 and evaluation mode, called ``hf:FOLDER``.

    Raises:
        ModelError: There is no such folder, or a file is damaged.
        ModelMismatchError: The model is another one than can be built here.
    """
    check_folder(folder)
    spec, problems = _spec(folder)
    state: dict[str, Tensor] = {}
    if spec is not None:
        theirs, table = read_weights(folder), _table(spec)
        wrong = differences(theirs, table, _shapes(spec))
        problems += wrong
        state = {} if wrong else to_open_clip(theirs, table)
    if spec is None or problems:
        raise ModelMismatchError(f"model '{PREFIX}{folder}'", problems)
    backbone = rebuild_backbone(spec, seed=0)
    backbone.clip.load_state_dict(state)
    return backbone.eval()


def hf_spec(folder: Path) -> BackboneSpec:
    """What `load_hf` would build, from the configuration alone: no weights need be there.

    Args:
        folder: With `config.json`.

    Raises:
        ModelError: There is no such folder, or a file is damaged.
        ModelMismatchError: The model is another one than can be built here.
    """
    if not (folder / CONFIG_FILE).is_file():
        check_folder(folder)
    spec, problems = _spec(folder)
    if spec is None or problems:
        raise ModelMismatchError(f"model '{PREFIX}{folder}'", problems)
    return spec


def hf_files(backbone: Backbone) -> dict[str, str]:
    """The text files of a transformers folder: configuration, preprocessing, tokenizer.

    Args:
        backbone: The model.

    Returns:
        File name to content.

    Raises:
        ModelMismatchError: Transformers' `CLIPModel` has no word for something of the model;
            everything is named.
    """
    spec = backbone.spec
    config, problems = transformers_config(complete_config(spec))
    if spec.preprocess.height != spec.preprocess.width:
        problems.append(f"images are {spec.preprocess.height} x {spec.preprocess.width} pixels")
    if problems:
        raise ModelMismatchError(
            f"model '{spec.name}', to be said in the words of transformers' CLIPModel,", problems
        )
    return {
        CONFIG_FILE: json.dumps(config, indent=2) + "\n",
        "preprocessor_config.json": json.dumps(preprocess_config(spec.preprocess), indent=2) + "\n",
        **tokenizer_files(spec.context_length),
    }


def write_hf(backbone: Backbone, folder: Path) -> None:
    """Write a model as `from_pretrained` of transformers reads it, without a network.

    Args:
        backbone: The model.
        folder: An existing folder.

    Raises:
        ModelMismatchError: The model cannot be said in transformers' words.
    """
    files = hf_files(backbone)
    weights = to_transformers(backbone.clip.state_dict(), _table(backbone.spec))
    # Transformers refuses a file that does not say which library wrote its tensors.
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def _spec(folder: Path) -> tuple[BackboneSpec | None, list[str]]:
    """The specification, None where there are no towers to speak of, and all that differs."""
    arguments, problems = open_clip_config(read_json(folder / CONFIG_FILE) or {})
    if not arguments:
        return None, problems
    processor = read_preprocessor(folder)
    if processor is None:
        _log.warning("%s has no preprocessor_config.json: mean and deviation are OpenAI's", folder)
    numbers, differing = read_preprocess(processor, int(arguments["vision_cfg"]["image_size"]))
    problems += differing + tokenizer_problems(folder, int(arguments["text_cfg"]["context_length"]))
    numbers = {} if differing else numbers
    return spec_of(f"{PREFIX}{folder}", arguments, preprocess=numbers), problems


def _table(spec: BackboneSpec) -> list[Entry]:
    complete = complete_config(spec)
    return entries(complete["vision_cfg"]["layers"], complete["text_cfg"]["layers"])


def _shapes(spec: BackboneSpec) -> dict[str, list[int]]:
    """What the model's weights measure; on the device "meta" they take no memory."""
    with torch.device("meta"):
        empty = rebuild_backbone(spec)
    return {name: list(value.shape) for name, value in empty.clip.state_dict().items()}
