"""What a checkpoint, its run folder and its shard set still know of how a model came to be."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streetclip.build.remote import cache_of
from streetclip.build.sources import open_set
from streetclip.config.load import load_experiment
from streetclip.errors import StreetclipError
from streetclip.model.licences import StartWeights, start_weights
from streetclip.report.card_facts import UNKNOWN, Training, TrainingData
from streetclip.shards.provenance import Provenance, provenance
from streetclip.training.checkpoint_io import RUN_KEY, read_checkpoint

_log = logging.getLogger(__name__)


def facts_of(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint says of its run; nothing where it was saved outside of one.

    Args:
        checkpoint: One of ours.

    Raises:
        CheckpointError: It cannot be read.
    """
    # On the device "meta" no weight is read.
    content = read_checkpoint(checkpoint, map_location="meta")
    facts = content.get(RUN_KEY)
    return {**(facts if isinstance(facts, dict) else {}), "steps": content.get("global_step", 0)}


def training_of(checkpoint: Path) -> Training | None:
    """How one of our checkpoints was trained.

    Args:
        checkpoint: One of ours; where it still lies in its run folder, and the shard set where that
            says, licences and sources of the photographs are counted too.

    Returns:
        None where the checkpoint says nothing of a run.

    Raises:
        CheckpointError: It cannot be read.
    """
    facts = facts_of(checkpoint)
    fingerprint = _mapping(facts.get("fingerprint"))
    if not fingerprint:
        return None
    options, batches = _mapping(fingerprint.get("options")), _mapping(fingerprint.get("batches"))
    digest = batches.get("shard_set")
    seen = _provenance(checkpoint, digest)
    towns = facts.get("towns")
    return Training(
        data=TrainingData(
            digest=digest,
            photographs=batches.get("samples"),
            countries=facts.get("countries"),
            towns=None if towns is None else len(towns),
            looked_at=seen.looked_at,
            licences=seen.licences,
            sources=seen.sources,
        ),
        template=str(_mapping(options.get("data")).get("captions", UNKNOWN)),
        template_digest=str(batches.get("template", UNKNOWN)),
        steps=int(facts["steps"]),
        ema_decay=facts.get("ema_decay"),
        options=options,
    )


def interpolation_of(checkpoint: Path) -> str:
    """What a checkpoint of `streetclip interpolate` says of its weights, as a sentence.

    Args:
        checkpoint: One of ours.

    Returns:
        Nothing for the checkpoint of a run.

    Raises:
        CheckpointError: It cannot be read.
    """
    said = _mapping(facts_of(checkpoint).get("interpolated"))
    if not said:
        return ""
    return (
        "The weights lie between its start weights and the trained ones (WiSE-FT, arXiv "
        f"2109.01903): {1 - said['alpha']:g} x the start (digest `{str(said['start'])[:16]}`) + "
        f"{said['alpha']:g} x the trained (digest `{str(said['tuned'])[:16]}`)."
    )


def start_of(training: Training | None, name: str) -> StartWeights:
    """What a model began with.

    Args:
        training: Of a checkpoint, or None for somebody's weights.
        name: As the user named the model.
    """
    if training is None:
        return start_weights(name, None, None)
    model = _mapping(training.options.get("model"))
    return start_weights(
        str(model.get("name", UNKNOWN)), model.get("pretrained"), model.get("start_from")
    )


def _provenance(checkpoint: Path, digest: str | None) -> Provenance:
    nothing = Provenance(0, {}, {})
    config = checkpoint.absolute().parent.parent / "config.yaml"
    if digest is None or not config.is_file():
        return nothing
    try:
        data = load_experiment(config).data
        shard_set = open_set(data.source, cache_of(data.remote))
        return provenance(shard_set) if shard_set.digest == digest else nothing
    except StreetclipError as error:
        _log.warning("the card names no licences: the shard set is not at hand (%s)", error)
        return nothing


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
