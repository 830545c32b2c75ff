"""What a benchmark measures and where it goes, as plain values that ranks can tell each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streetclip.build.folders import folder_name, plain_label
from streetclip.zeroshot.protocol import Protocol, load_protocol


@dataclass(frozen=True)
class PlannedModel:
    """A model that can be loaded.

    Args:
        name: As `named_backbone` takes it, on this machine.
        label: For tables and folders, unique in the plan.
        digest: Of its weights.
    """

    name: str
    label: str
    digest: str


@dataclass(frozen=True)
class PlannedSet:
    """Photographs that are ready as a shard set.

    Args:
        name: What results call them.
        place: Folder or URL of the shard set.
    """

    name: str
    place: str


@dataclass(frozen=True)
class PlannedProtocol:
    """A protocol that can be asked.

    Args:
        source: As `load_protocol` takes it.
        name: For results.
        label: For folders, unique in the plan.
    """

    source: str
    name: str
    label: str

    def load(self) -> Protocol:
        """The protocol under its name, or under its label where others have the same name."""
        unique = plain_label(self.name) == self.label
        return replace(load_protocol(self.source), name=self.name if unique else self.label)


@dataclass(frozen=True)
class Combination:
    """A model, a set, a protocol, and where the result goes."""

    model: PlannedModel
    photographs: PlannedSet
    protocol: PlannedProtocol
    folder: Path


@dataclass(frozen=True)
class Plan:
    """What is measured, and where it goes.

    Args:
        out: The output folder.
        models: Each measured on each set with each protocol.
        sets: Of photographs.
        protocols: Of questions.
        finished: Result folders that an earlier call has finished.
        max_photos: Only the first so many photographs of each set; None takes all.
        remote: How URLs are fetched, as plain values.
    """

    out: str
    models: tuple[PlannedModel, ...]
    sets: tuple[PlannedSet, ...]
    protocols: tuple[PlannedProtocol, ...]
    max_photos: int | None
    remote: Mapping[str, Any]
    finished: tuple[str, ...] = ()

    @property
    def combinations(self) -> list[Combination]:
        """Set by set, and in each model by model; a single one has the output folder for itself."""
        several = len(self.models) * len(self.sets) * len(self.protocols) > 1
        return [
            Combination(model, photographs, protocol, self._folder(names) if several else root)
            for root in (Path(self.out),)
            for photographs in self.sets
            for model in self.models
            for protocol in self.protocols
            for names in ((photographs.name, model.label, protocol.label),)
        ]

    def _folder(self, names: tuple[str, str, str]) -> Path:
        return Path(self.out) / folder_name(*names)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "Plan":
        """The inverse of `dataclasses.asdict`, also of what has been JSON meanwhile."""
        return cls(
            **{
                **plain,
                "models": tuple(PlannedModel(**model) for model in plain["models"]),
                "sets": tuple(PlannedSet(**photographs) for photographs in plain["sets"]),
                "protocols": tuple(PlannedProtocol(**item) for item in plain["protocols"]),
                "finished": tuple(plain["finished"]),
            }
        )
