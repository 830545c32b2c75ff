"""Stages of the resampled order: from the names of tars to shuffled samples.

Tars are read by the strict walk of the shards room: webdataset's own reader takes a damaged header
for the end of a tar, opens shards with shell commands, and merges samples whose keys have a dot.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import braceexpand
from webdataset.filters import pick

from streetclip.errors import SampleError, ShardError
from streetclip.shards.remote import check_url
from streetclip.shards.stream import stream_samples

Sample = dict[str, Any]
Stage = Callable[[Iterator[Sample]], Iterator[Sample]]

_MIN_BUFFER = 100


def expand_urls(sources: Sequence[str]) -> list[str]:
    """Brace lists and folders become a list of tars.

    Args:
        sources: Paths or URLs of tars, with braces such as ``{0000..0099}``, or local folders.

    Returns:
        Every tar, in order.

    Raises:
        ShardError: If nothing is found, or something would run a program.

    Example:
        >>> expand_urls(["https://example.org/{00..02}.tar"])[-1]
        'https://example.org/02.tar'
    """
    urls: list[str] = []
    for source in sources:
        for url in braceexpand.braceexpand(source):
            folder = Path(url)
            tars = sorted(map(str, folder.glob("*.tar"))) if folder.is_dir() else [url]
            if not tars:
                raise ShardError(f"no tar in {url}")
            urls += tars
    if not urls:
        raise ShardError("no shards are named")
    for url in urls:
        check_url(url)
    return urls


@dataclass
class Patience:
    """Counts what came to nothing in a row, so that an endless stream of nothing ends.

    Args:
        what: Is counted.
        limit: How many in a row are borne.
    """

    what: str
    limit: int
    spent: int = 0

    def spend(self) -> None:
        """Count one more that came to nothing.

        Raises:
            ShardError: When it is one too many.
        """
        self.spent += 1
        if self.spent > self.limit:
            raise ShardError(
                "the shards have no usable sample",
                got=f"{self.spent - 1} {self.what} in a row",
                allowed="tars whose samples are an image and a .json of the same name",
            )

    def renew(self) -> None:
        """Something came of it: count from 0 again."""
        self.spent = 0


def opened(patience: Patience, open_tar: Callable[[str], BinaryIO]) -> Stage:
    """A stage that opens shards."""

    def stage(shards: Iterator[Sample]) -> Iterator[Sample]:
        for shard in shards:
            patience.spend()
            with open_tar(shard["url"]) as stream:
                yield shard | {"stream": stream}

    return stage


def members(patience: Patience) -> Stage:
    """A stage from open tars to samples, told apart as in the index of a shard set.

    A sample has ``image`` and ``metadata``, or ``refused`` with the `SampleError` against it.
    """

    def stage(shards: Iterator[Sample]) -> Iterator[Sample]:
        for shard in shards:
            for found in stream_samples(shard["stream"], shard["url"]):
                if found.key:
                    patience.renew()
                sample = {"__key__": found.key, "__url__": shard["url"]}
                if isinstance(found.outcome, SampleError):
                    yield sample | {"refused": found.outcome}
                else:
                    outcome = found.outcome
                    yield sample | {"image": outcome.image, "metadata": outcome.metadata}

    return stage


def bounded_shuffle(order: random.Random, *, samples: int, size: int) -> Stage:
    """A stage that yields a random sample of a buffer with bounds on samples and bytes."""

    def stage(source: Iterator[Sample]) -> Iterator[Sample]:
        buffer: list[Sample] = []
        held = 0
        for number, sample in enumerate(source):
            buffer.append(sample)
            held += _size(sample)
            # While the buffer grows, every other sample leaves it, so that the first batch does
            # not wait for a full one.
            leaves = number % 2 == 1 and len(buffer) >= _MIN_BUFFER
            while buffer and (leaves or len(buffer) >= samples or held >= size):
                picked = pick(buffer, order)
                held -= _size(picked)
                leaves = False
                yield picked

    return stage


def _size(sample: Sample) -> int:
    return sum(len(value) for value in sample.values() if isinstance(value, bytes))
