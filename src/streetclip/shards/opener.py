"""Opens tars at paths and URLs, those at URLs through the cache."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from streetclip.errors import ShardError
from streetclip.shards.cache import Cache
from streetclip.shards.remote import RemoteFile, check_url, is_url
from streetclip.shards.tar import check_tar


@dataclass(frozen=True)
class TarOpener:
    """Opens whole tars for reading; can be pickled.

    Args:
        cache: Keeps what is fetched from URLs.
        known: What is known of some tars, by URL. Any other is walked once, when it has been
            fetched, because nothing else would tell that it is not whole.
    """

    cache: Cache = field(default_factory=Cache)
    known: Mapping[str, RemoteFile] = field(default_factory=dict)

    def __call__(self, url_or_path: str) -> BinaryIO:
        """A tar, open for reading.

        Args:
            url_or_path: Of the tar.

        Raises:
            ShardError: The scheme is not a plain one (``pipe:`` among them), or there is no tar.
        """
        check_url(url_or_path)
        if is_url(url_or_path):
            file = self.known.get(url_or_path) or RemoteFile(url_or_path, check=check_tar)
            return os.fdopen(self.cache.open(file), "rb")
        try:
            return Path(url_or_path).open("rb")
        except OSError as error:
            what = f"{type(error).__name__}: {error}"
            raise ShardError(f"{url_or_path} cannot be opened", got=what) from error
