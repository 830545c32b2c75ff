"""Photographs of a shard set in fixed batches, shared out over ranks, each counted once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from streetclip.data.loader import safe_start_method
from streetclip.data.photos import Photo
from streetclip.data.waiting import one_by_one


@runtime_checkable
class PhotoSource(Protocol):
    """Photographs by their number; `data.photos.PhotoDataset` is one."""

    location: str

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Photo: ...


@dataclass(frozen=True, slots=True)
class Pass:
    """Photographs that go through the model together.

    Args:
        indices: Their positions in the set.
        counts: False for a repetition that only keeps the ranks in step.
    """

    indices: tuple[int, ...]
    counts: bool


@dataclass(frozen=True)
class Photographs:
    """What a loader hands over for one pass.

    Args:
        image: One image a photograph; black where it is bad.
        index: Positions in the set.
        keys: Keys of the samples.
        metadata: Their places, empty where it is bad.
        errors: Why a photograph is bad, None for a good one.
    """

    image: UInt8[Tensor, "b 3 h w"]
    index: tuple[int, ...]
    keys: tuple[str, ...]
    metadata: tuple[dict[str, Any], ...]
    errors: tuple[str | None, ...]


def passes(n: int, batch_size: int, *, rank: int = 0, world: int = 1) -> list[Pass]:
    """The passes of one rank: every world-th batch of a list that is the same for any world.

    Batches, not photographs, are dealt out, so that a batch holds the same photographs on any
    number of ranks and numbers do not depend on it. Ranks have equally many passes, because a
    model that is spread over ranks needs all of them in each.

    Args:
        n: Photographs of the set.
        batch_size: Photographs of one pass.
        rank: This process.
        world: How many there are.

    Returns:
        One pass a step; where this rank has no batch left, the first one again, not counted.

    Example:
        >>> [(p.indices, p.counts) for p in passes(5, 2, rank=1, world=2)]
        [((2, 3), True), ((0, 1), False)]
    """
    batches = [tuple(range(start, min(start + batch_size, n))) for start in range(0, n, batch_size)]
    steps = -(-len(batches) // world)
    return [
        Pass(batches[turn], counts=True) if turn < len(batches) else Pass(batches[0], counts=False)
        for turn in range(rank, steps * world, world)
    ]


def load(
    dataset: PhotoSource, plan: Sequence[Pass], *, workers: int
) -> Iterator[tuple[Pass, Photographs]]:
    """Read the photographs of a plan, pass by pass.

    Args:
        dataset: Where they come from.
        plan: From `passes`.
        workers: Processes that read ahead; 0 reads in this one.
    """
    loader: DataLoader[Photo] = DataLoader(
        cast(Dataset[Photo], dataset),
        batch_sampler=[list(step.indices) for step in plan],
        num_workers=workers,
        multiprocessing_context=safe_start_method([dataset.location]) if workers else None,
        collate_fn=_collate,
        # A generator of its own, so that an evaluation leaves the randomness of training alone.
        generator=torch.Generator().manual_seed(0),
    )
    yield from zip(plan, one_by_one(iter(loader), "photographs"), strict=True)


def _collate(photos: Sequence[Photo]) -> Photographs:
    return Photographs(
        image=torch.stack([photo["image"] for photo in photos]),
        index=tuple(photo["index"] for photo in photos),
        keys=tuple(photo["key"] for photo in photos),
        metadata=tuple(photo["metadata"] for photo in photos),
        errors=tuple(photo.get("error") for photo in photos),
    )
