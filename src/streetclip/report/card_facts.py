"""What a model card is made of, besides results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "unknown"


@dataclass(frozen=True)
class TrainingData:
    """Which photographs a model was trained on.

    Args:
        digest: Of the shard set; None where the run had none.
        photographs: How many; None where nobody knows.
        countries: ISO codes; None where nobody knows.
        towns: How many; None where nobody knows.
        looked_at: Photographs that licences and sources were counted on; 0 where the shard set is
            not at hand.
        licences: Licence to photographs looked at.
        sources: Source to photographs looked at.
    """

    digest: str | None
    photographs: int | None
    countries: Sequence[str] | None
    towns: int | None
    looked_at: int = 0
    licences: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """How a model was trained.

    Args:
        data: Photographs.
        template: Name of the caption template.
        template_digest: Of its content.
        steps: Optimizer steps.
        ema_decay: Of the averaged weights, which are what is exported; None without.
        options: Of the experiment, nested, as the checkpoint keeps them.
    """

    data: TrainingData
    template: str
    template_digest: str
    steps: int
    ema_decay: float | None
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Card:
    """What a card tells besides results.

    Args:
        name: What the export is called.
        reader: The library that reads the weights, ``transformers`` or ``open_clip``.
        weights_digest: As it stands in results.
        towers: What the model is, label to value.
        start: What it began with, in words.
        licence: Identifier of the licence of the start weights, ``unknown``, or ``own``.
        licence_source: Who says so; empty where nobody does.
        training: None where only somebody's weights were converted.
        interpolated: A sentence where the weights lie between two models; else empty.
    """

    name: str
    reader: str
    weights_digest: str
    towers: Mapping[str, str]
    start: str
    licence: str
    licence_source: str
    training: Training | None
    interpolated: str = ""
