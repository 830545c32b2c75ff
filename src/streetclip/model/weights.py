"""Weights in our own checkpoints: what is written, read back, compared and digested.

A checkpoint is Lightning's, with one more entry, `streetclip`: version, the model's specification
and the digest of the weights that the checkpoint exports. With Lightning's `EMAWeightAveraging`
those are the averages: its `on_save_checkpoint` puts them into `state_dict` and moves the current
weights to `current_model_state`, and the module's own hook, which writes the digest, comes after
it (verified with lightning 2.6.6; a test holds it).
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from streetclip.errors import CheckpointError, ModelError
from streetclip.model.backbone import Backbone, complete_config, rebuild_backbone
from streetclip.model.pickled import read_pickled
from streetclip.model.spec import BackboneSpec

ENTRY = "streetclip"
"""Our key in a checkpoint."""

VERSION = 1
"""Of that entry; another version is refused."""

PREFIX = "backbone."
"""What the LightningModule puts before a backbone's names."""

IRRELEVANT = (
    "init_logit_scale",
    "init_logit_bias",
    "output_dict",
    "patch_dropout",
    "output_tokens",
    "timm_model_pretrained",
    "timm_drop",
    "timm_drop_path",
)
"""Options that change neither the weights' meaning nor what an evaluated model computes."""


def digest_of(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over the names, dtypes, shapes and bytes of tensors, in the order of the names.

    Example:
        >>> one = {"a": torch.zeros(2), "b": torch.ones(1)}
        >>> digest_of(one) == digest_of(dict(reversed(one.items())))
        True
        >>> digest_of(one) == digest_of({"a": torch.zeros(2), "b": torch.zeros(1)})
        False
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def weights_digest(backbone: Backbone) -> str:
    """The digest that stands in checkpoints and results: of weights and normalization statistics.

    Args:
        backbone: On any device.

    Returns:
        64 hexadecimal digits.
    """
    return digest_of(backbone.state_dict())


def describe_weights(spec: BackboneSpec, state: Mapping[str, Tensor]) -> dict[str, Any]:
    """Our entry for a checkpoint, of plain types.

    Args:
        spec: Of the model.
        state: The checkpoint's `state_dict`, as it will be written.
    """
    return {
        "version": VERSION,
        "backbone": spec.to_plain(),
        "weights_digest": digest_of(_own(state)),
    }


def load_backbone(path: Path) -> Backbone:
    """The model that one of our checkpoints exports; the averages, where weights were averaged.

    Args:
        path: A local checkpoint. It is read without running any code that it might hold.

    Returns:
        The model on the CPU, in evaluation mode.

    Raises:
        CheckpointError: The file is missing, damaged, or not one of ours.
    """
    spec, state, _ = read_weights(path)
    backbone = rebuild_backbone(spec)
    problems = _state_differences(backbone.state_dict(), state)
    if problems:
        raise CheckpointError(f"checkpoint '{path}' does not fit itself", got="; ".join(problems))
    backbone.load_state_dict(state)
    return backbone.eval()


def start_from(backbone: Backbone, path: Path) -> None:
    """Takes the weights of one of our checkpoints into a model.

    Args:
        backbone: Of the same architecture; its weights are replaced.
        path: A local checkpoint.

    Raises:
        CheckpointError: The file is missing, damaged, or not one of ours.
        ModelError: The models differ; everything that does is named.
    """
    spec, state, _ = read_weights(path)
    problems = spec_differences(backbone.spec, spec)
    problems = problems or _state_differences(backbone.state_dict(), state)
    if problems:
        raise ModelError(
            f"the weights of '{path}' do not fit model '{backbone.spec.name}'",
            got="; ".join(problems),
            remedy=f"use model.name: {spec.name}",
        )
    backbone.load_state_dict(state)


def read_weights(path: Path) -> tuple[BackboneSpec, dict[str, Tensor], str]:
    """Specification, weights and digest of one of our checkpoints.

    The digest is computed anew, so that damage to any weight is found.

    Args:
        path: A local checkpoint.

    Raises:
        CheckpointError: The file is missing, damaged, or not one of ours.
    """
    checkpoint = _read(path)
    entry = checkpoint.get(ENTRY)
    if not isinstance(entry, dict) or "state_dict" not in checkpoint:
        raise CheckpointError(
            f"'{path}' is no checkpoint of streetclip",
            remedy="other weight files are given as model.pretrained",
        )
    if entry.get("version") != VERSION:
        raise CheckpointError(
            f"checkpoint '{path}' has another version", got=entry.get("version"), allowed=VERSION
        )
    try:
        spec = BackboneSpec.from_plain(entry["backbone"])
        state = _own(checkpoint["state_dict"])
        digest = digest_of(state)
    except (ModelError, LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        # RuntimeError: tensors without bytes of their own, such as sparse ones.
        raise CheckpointError(f"checkpoint '{path}' is incomplete", got=error) from error
    if digest != entry.get("weights_digest"):
        raise CheckpointError(
            f"checkpoint '{path}' is damaged: its weights have another digest than was written",
            got=digest,
            allowed=entry.get("weights_digest"),
            remedy="take another checkpoint of the run",
        )
    return spec, state, digest


def spec_differences(ours: BackboneSpec, theirs: BackboneSpec) -> list[str]:
    """What differs between two models, one sentence each; names and defaults do not count.

    Args:
        ours: Of the model that is to take weights.
        theirs: Of the model that has them.
    """
    here, there = _flat(complete_config(ours)), _flat(complete_config(theirs))
    return [
        f"{key} is {here.get(key)} in the model and {there.get(key)} in the checkpoint"
        for key in sorted(here.keys() | there.keys())
        if here.get(key) != there.get(key) and key.rpartition(".")[2] not in IRRELEVANT
    ]


def resumable_entry(checkpoint: Mapping[str, Any], spec: BackboneSpec) -> Mapping[str, Any]:
    """Our entry in a checkpoint from which a run is to go on.

    Args:
        checkpoint: As Lightning has read it.
        spec: Of the run's own model.

    Raises:
        CheckpointError: It is none of ours, or that of another model; what differs is named.
    """
    entry: Mapping[str, Any] | None = checkpoint.get(ENTRY)
    if entry is None:
        raise CheckpointError("this is no checkpoint of streetclip")
    differences = spec_differences(spec, BackboneSpec.from_plain(entry["backbone"]))
    if differences:
        raise CheckpointError(
            "the checkpoint belongs to another model",
            got="; ".join(differences),
            remedy="resume with the run's own model, or begin anew with model.start_from",
        )
    return entry


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise CheckpointError(
            f"no checkpoint '{path}'", remedy="give the path of a local .ckpt file"
        )
    checkpoint = read_pickled(
        path,
        lambda reason: CheckpointError(
            f"checkpoint '{path}' cannot be read",
            got=reason,
            remedy="it is damaged, or no checkpoint; take another one of the run",
        ),
    )
    return checkpoint if isinstance(checkpoint, dict) else {}


def _own(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(PREFIX): value for name, value in state.items() if name.startswith(PREFIX)
    }


def _state_differences(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> list[str]:
    missing = sorted(ours.keys() - theirs.keys())
    surplus = sorted(theirs.keys() - ours.keys())
    shapes = [
        f"{name} has shape {list(theirs[name].shape)}, not {list(ours[name].shape)}"
        for name in sorted(ours.keys() & theirs.keys())
        if theirs[name].shape != ours[name].shape
    ]
    problems = [f"missing: {', '.join(missing)}"] if missing else []
    return problems + ([f"unknown: {', '.join(surplus)}"] if surplus else []) + shapes


def _flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        nested = isinstance(value, dict)
        flat.update(_flat(value, f"{prefix}{key}.") if nested else {f"{prefix}{key}": value})
    return flat
