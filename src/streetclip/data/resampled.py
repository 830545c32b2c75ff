"""The resampled order: shards drawn again and again, for sets that have no index.

Made of webdataset's stages for shards, with tars opened through the cache instead of its shell
commands, with the strict reader of the shards room instead of its own, which overlooks damage, and
with our decoder and captions instead of its `.decode()`, which unpickles what a tar may hold.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import webdataset as wds
from torch.utils.data import Dataset, get_worker_info

from streetclip.data.batch import Batch, Example, Recipe, Tokenize, collate
from streetclip.data.quarantine import BadSample
from streetclip.data.randomness import Purpose, keyed_bits
from streetclip.data.stages import Patience, bounded_shuffle, members, opened
from streetclip.errors import PlanError, SampleError
from streetclip.shards.opener import TarOpener
from streetclip.shards.read import RawSample
from streetclip.shards.remote import is_url, shown

_MAX_BAD_IN_A_ROW = 1000


@dataclass
class _Stream:
    """Good examples without end, and the bad samples met on the way."""

    examples: Iterator[Example]
    bad: list[BadSample]


class ResampledDataset(Dataset[Batch]):
    """One rank's share of steps whose samples come from shards drawn at random.

    Each worker of each rank reads a stream of its own, opened anew in every epoch from
    (seed, epoch, rank, worker, first step), and a step is the next examples of whichever stream it
    falls to. The same number of ranks and workers sees the same batches again, but a run that is
    resumed in the middle of an epoch goes on with other samples than it would have seen.

    Args:
        urls: From `expand_urls`.
        recipe: How bytes become an example.
        tokenize: Texts to int64 [n, t]; must be picklable.
        batch_size: Samples of one step over all ranks.
        samples_per_epoch: How many samples count as an epoch.
        shuffle_samples: Samples in the shuffle buffer, at most.
        shuffle_bytes: Bytes in the shuffle buffer, at most.
        open_tar: Opens a path or URL of a tar; must be picklable.
        seed: Decides which shards are drawn, and the order in the buffer.
        rank: Of this process.
        world: Number of ranks; divides `batch_size`.

    Raises:
        PlanError: If the numbers do not fit together.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        recipe: Recipe,
        tokenize: Tokenize,
        batch_size: int,
        samples_per_epoch: int,
        shuffle_samples: int = 2000,
        shuffle_bytes: int = 512 * 2**20,
        open_tar: Callable[[str], BinaryIO] | None = None,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if batch_size % world:
            raise PlanError(
                f"data.batch_size {batch_size} cannot be shared by {world} ranks",
                remedy="choose a multiple of the ranks",
            )
        if samples_per_epoch < batch_size:
            raise PlanError(
                "data.samples_per_epoch is smaller than one batch",
                got=samples_per_epoch,
                allowed=f"{batch_size} or more",
            )
        self.urls = list(urls)
        self.recipe = recipe
        self.local_batch_size = batch_size // world
        self.steps_per_epoch = samples_per_epoch // batch_size
        self.shuffle_samples = shuffle_samples
        self.shuffle_bytes = shuffle_bytes
        self.open_tar = TarOpener() if open_tar is None else open_tar
        self.seed = seed
        self.rank = rank
        self._tokenize = tokenize
        self._epoch: int | None = None
        self._stream: _Stream | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Without the open stream, which belongs to one process."""
        return self.__dict__ | {"_epoch": None, "_stream": None}

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __getitem__(self, epoch_and_step: tuple[int, int]) -> Batch:
        """The next examples of this worker's stream, as the batch of a step.

        Args:
            epoch_and_step: From a `StepSampler`.

        Raises:
            ShardError: If a shard cannot be opened or read, or none has a usable sample.
        """
        epoch, step = epoch_and_step
        if self._stream is None or epoch != self._epoch:
            self._stream, self._epoch = self._open(epoch, step), epoch
        stream = self._stream
        examples = [next(stream.examples) for _ in range(self.local_batch_size)]
        bad = [item._replace(epoch=epoch, step=step) for item in stream.bad]
        stream.bad.clear()
        return collate(examples, self._tokenize, epoch=epoch, step=step, bad=bad)

    def _open(self, epoch: int, step: int) -> _Stream:
        info = get_worker_info()
        worker = info.id if info is not None else 0
        bits = keyed_bits(
            self.seed,
            epoch,
            purpose=Purpose.RESAMPLED,
            first=self.rank,
            second=(worker << 32) + step,
        )
        shard_seed, order_seed = (number >> 34 for number in bits.random_raw(2).tolist())
        names = shown_names(self.urls)
        patience = Patience("shards without a sample", limit=2 * len(self.urls) + 16)
        pipeline = wds.DataPipeline(
            wds.ResampledShards(
                self.urls, seed=shard_seed, deterministic=True, worker_seed=_no_worker_seed
            ),
            opened(patience, self.open_tar),
            members(patience),
            bounded_shuffle(
                random.Random(order_seed),  # noqa: S311 - decides an order, guards no secret
                samples=self.shuffle_samples,
                size=self.shuffle_bytes,
            ),
        )
        bad: list[BadSample] = []
        rng = np.random.Generator(bits)
        return _Stream(_examples(iter(pipeline), self.recipe, bad, rng, names), bad)


def _examples(
    samples: Iterator[dict[str, Any]],
    recipe: Recipe,
    bad: list[BadSample],
    rng: np.random.Generator,
    names: Mapping[str, str],
) -> Iterator[Example]:
    """Good examples; the bad samples on the way are put into `bad`, with the names of their shards.

    No method, because a data set that is held by its own stream would not close its files.
    """
    patience = Patience("bad samples", limit=_MAX_BAD_IN_A_ROW)
    for sample in samples:
        try:
            example = recipe.make(_raw(sample), caption_rng=rng, crop_rng=rng)
        except SampleError as error:
            name = names[sample["__url__"]]
            key = sample["__key__"]
            bad.append(BadSample.of(error, shard=name, sample=-1, key=key, epoch=-1, step=-1))
            patience.spend()
        else:
            patience.renew()
            yield example


def shown_names(urls: Sequence[str]) -> dict[str, str]:
    """Names of shards that may stand in logs and lists, and are as many as there are shards.

    Args:
        urls: Paths or URLs of tars.

    Returns:
        Each as it may be shown; where only what is hidden tells them apart, with its number.

    Example:
        >>> list(shown_names(["http://me:pw@h/a.tar", "http://h/b?n=1", "http://h/b?n=2"]).values())
        ['http://h/a.tar', 'http://h/b?... (1)', 'http://h/b?... (2)']
    """
    plain = {url: shown(url) if is_url(url) else url for url in urls}
    shared = Counter(plain.values())
    return {
        url: name if shared[name] == 1 else f"{name} ({number})"
        for number, (url, name) in enumerate(plain.items())
    }


def _no_worker_seed() -> int:
    """The stream's own seed knows the worker already."""
    return 0


def _raw(sample: dict[str, Any]) -> RawSample:
    if "refused" in sample:
        raise sample["refused"]
    return RawSample(sample["__key__"], sample["image"], sample["metadata"])
