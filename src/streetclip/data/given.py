"""What the user gave to train on, as each order needs it."""

from collections.abc import Sequence

from streetclip.errors import PlanError
from streetclip.shards.cache import Cache
from streetclip.shards.layout import ShardSet
from streetclip.shards.opener import TarOpener


def indexed(train: ShardSet | Sequence[str]) -> ShardSet:
    """The shard set that the planned order needs.

    Args:
        train: A shard set, or paths or URLs of tars.

    Raises:
        PlanError: There are only tars.
    """
    if isinstance(train, ShardSet):
        return train
    raise PlanError(
        "data.order=planned needs a shard set with an index",
        got=", ".join(train),
        remedy="run `streetclip shards index DIR` once, or set data.order=resampled",
    )


def tars(train: ShardSet | Sequence[str]) -> list[str]:
    """The paths or URLs that the resampled order needs.

    Args:
        train: A shard set, or paths or URLs of tars.
    """
    if isinstance(train, ShardSet):
        if train.remote is not None:
            return [train.remote.tar(entry).url for entry in train.shards]
        return [str(train.root / entry.file) for entry in train.shards]
    return [train] if isinstance(train, str) else list(train)


def opener(train: ShardSet | Sequence[str], cache: Cache | None) -> TarOpener:
    """Opens those tars; of a shard set's own the digests are known.

    Args:
        train: A shard set, or paths or URLs of tars.
        cache: Keeps what is fetched from URLs that belong to no set; None is the user's.
    """
    if not isinstance(train, ShardSet) or train.remote is None:
        return TarOpener(Cache() if cache is None else cache)
    known = [train.remote.tar(entry) for entry in train.shards]
    return TarOpener(train.remote.cache, {file.url: file for file in known})


def stated(samples_per_epoch: int | None, train: ShardSet | Sequence[str]) -> int:
    """How many samples count as an epoch of the resampled order.

    Args:
        samples_per_epoch: As the user said, or None.
        train: A shard set, whose own size is the default, or paths or URLs of tars.

    Raises:
        PlanError: Nobody knows.
    """
    if samples_per_epoch is not None:
        return samples_per_epoch
    if isinstance(train, ShardSet):
        return len(train)
    raise PlanError(
        "data.order=resampled does not know how many samples count as an epoch",
        remedy="set data.samples_per_epoch",
    )
