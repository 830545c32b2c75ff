"""What a model sees in photographs: features that every protocol can be asked with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Embedded:
    """Photographs that have been through the image tower, on the CPU; no protocol is in it.

    Args:
        index: Positions in the set.
        keys: Keys of the samples.
        metadata: Their places, empty where they cannot be read.
        errors: Why a photograph is bad, None for a good one.
        features: Of length 1, in fp32; those of a bad photograph mean nothing.
        matched: Whether each finds its caption in its batch; None where it is not counted.
    """

    index: tuple[int, ...]
    keys: tuple[str, ...]
    metadata: tuple[dict[str, Any], ...]
    errors: tuple[str | None, ...]
    features: Float[Tensor, "n d"]
    matched: tuple[bool | None, ...]

    @property
    def may_be_better_next_time(self) -> bool:
        """Whether a photograph was damaged on the disk, of which the set's digest knows nothing."""
        return any(error is not None and "checksum" in error for error in self.errors)

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, start: int, stop: int) -> "Embedded":
        """Some of the photographs.

        Args:
            start: First row.
            stop: Behind the last row.
        """
        part = slice(start, stop)
        return Embedded(
            self.index[part],
            self.keys[part],
            self.metadata[part],
            self.errors[part],
            self.features[part],
            self.matched[part],
        )


def joined(parts: Sequence[Embedded]) -> Embedded:
    """Several parts as one.

    Args:
        parts: In the order of the set, at least one.

    Returns:
        All their photographs.
    """
    return Embedded(
        tuple(index for part in parts for index in part.index),
        tuple(key for part in parts for key in part.keys),
        tuple(metadata for part in parts for metadata in part.metadata),
        tuple(error for part in parts for error in part.errors),
        torch.cat([part.features for part in parts]),
        tuple(matched for part in parts for matched in part.matched),
    )
