"""What the user gave to train on, as each order needs it."""

from collections.abc import Mapping, Sequence
from typing import Any

from streetclip.errors import PlanError
from streetclip.shards.cache import Cache
from streetclip.shards.countries import ShardCountries
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


def countries_of(shard_set: ShardSet, *, wanted: bool) -> ShardCountries | None:
    """What a plan that spreads countries asks.

    Args:
        shard_set: Whose.
        wanted: Whether countries are spread.

    Raises:
        ShardError: They are, and the first index does not tell countries.
    """
    if not wanted:
        return None
    countries = ShardCountries(shard_set)
    countries(0)  # Better now than in a loader process.
    return countries


def refuse_spread(*, wanted: bool) -> None:
    """Refuses to spread countries in the resampled order.

    Args:
        wanted: Whether countries are to be spread.

    Raises:
        PlanError: They are.

    Example:
        >>> refuse_spread(wanted=True)
        Traceback (most recent call last):
        ...
        streetclip.errors.PlanError: data.spread_countries is a property of the plan, and \
data.order=resampled has none; set data.order=planned, or data.spread_countries=false
    """
    if wanted:
        raise PlanError(
            "data.spread_countries is a property of the plan, and data.order=resampled has none",
            remedy="set data.order=planned, or data.spread_countries=false",
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


def differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> list[str]:
    """What differs between two fingerprints, one sentence each.

    Args:
        theirs: Of a checkpoint.
        ours: Of this run.

    Example:
        >>> differences({"seed": 1, "lanes": 4}, {"seed": 2, "lanes": 4})
        ['seed: 1 there, 2 here']
    """
    names = [*theirs, *(name for name in ours if name not in theirs)]
    return [
        f"{name}: {theirs.get(name)} there, {ours.get(name)} here"
        for name in names
        if theirs.get(name) != ours.get(name)
    ]
