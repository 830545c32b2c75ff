"""Sources and models at URLs, from options."""

from pathlib import Path
from urllib.parse import urlsplit

from streetclip.config.data import RemoteConfig
from streetclip.data.prefetch import Prefetch
from streetclip.shards.cache import Cache, default_folder
from streetclip.shards.effort import Effort
from streetclip.shards.find import read_list, remote_splits
from streetclip.shards.layout import open_shard_set
from streetclip.shards.remote import join_url


def cache_of(options: RemoteConfig) -> Cache:
    """The cache that options describe; nothing is written yet."""
    folder = default_folder() if options.cache_dir is None else Path(options.cache_dir)
    return Cache(
        folder.expanduser().absolute(),
        int(options.cache_gib * 2**30),
        Effort(options.timeout_s, options.tries),
    )


def prefetch_of(options: RemoteConfig) -> Prefetch:
    """How much options want to have fetched ahead."""
    return Prefetch(options.prefetch_shards, options.downloads)


def names_tars(url: str) -> bool:
    """Whether a URL names tars and no shard set.

    Example:
        >>> names_tars("https://example.org/{00..09}.tar?token=1"), names_tars("s3://bucket/set")
        (True, False)
    """
    return "{" in url or urlsplit(url).path.lower().endswith(".tar")


def train_and_val(url: str, cache: Cache) -> tuple[str, str | None]:
    """The URLs of the training shard set, and of the validation photographs if there are some.

    Args:
        url: Of a shard set, or of a folder that holds its splits.
        cache: Its effort decides how long to try.

    Raises:
        ShardError: There is no shard set to train on.
    """
    train = open_shard_set(url, split="train", cache=cache).remote
    assert train is not None
    if train.url == url:
        return url, None
    has_val = "val" in remote_splits(url, cache.effort)
    return train.url, join_url(url, "val") if has_val else None


def whole_set(url: str, cache: Cache) -> str:
    """The URL of the shard set to evaluate on.

    Args:
        url: Of a shard set, or of a folder that holds splits, of which the validation split is
            taken first.
        cache: Its effort decides how long to try.

    Raises:
        ShardError: There is none.
    """
    if read_list(url, cache.effort) is not None:
        return url
    found = remote_splits(url, cache.effort)
    name = next((name for name in ("val", "all", "train") if name in found), None)
    place = url if name is None else join_url(url, name)
    open_shard_set(place, cache=cache)
    return place
