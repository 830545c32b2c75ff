"""How a killed build is recognized and continued, and anything else in its folder is refused."""

import fcntl
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from streetclip.errors import ShardError
from streetclip.shards.codec import codec_versions
from streetclip.shards.layout import write_whole
from streetclip.shards.output import check_folder
from streetclip.shards.pack import PackSample

logger = logging.getLogger(__name__)

BUILD_FILE = "build.json"
STATE_FOLDER = ".build"
_FORMAT = 1


def check_output(out: Path) -> None:
    """Refuses a folder that holds something else than a build that was killed.

    Args:
        out: Where shards shall go.

    Raises:
        ShardError: It is a finished shard set, or not empty.
        InputError: It is a file, or nothing can be written there.
    """
    check_folder(out, "output")
    if not out.is_dir() or not any(out.iterdir()) or (out / STATE_FOLDER).is_dir():
        return
    if (out / BUILD_FILE).is_file():
        raise ShardError(
            f"output folder {out} is not empty: it already holds a finished shard set",
            remedy="use it as it is, or choose another folder",
        )
    raise ShardError(
        f"output folder {out} is not empty",
        got=", ".join(sorted(path.name for path in out.iterdir())[:5]),
        remedy="choose a new or empty folder",
    )


def build_fingerprint(plan: Mapping[str, Sequence[PackSample]], options: Mapping[str, Any]) -> str:
    """A digest of everything that the bytes of a build depend on.

    Args:
        plan: The samples of each split, in order.
        options: As plain values.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256(
        json.dumps([_FORMAT, codec_versions(), dict(options)], sort_keys=True).encode()
    )
    for name, samples in plan.items():
        digest.update(name.encode())
        for sample in samples:
            digest.update(f"\n{sample.key} {sample.sha256} ".encode() + sample.metadata)
    return digest.hexdigest()


@contextmanager
def entered_output(out: Path, fingerprint: str) -> Iterator[None]:
    """Marks a folder as being built, or recognizes the build that was killed in it.

    Args:
        out: Where shards go.
        fingerprint: Of the build that begins.

    Raises:
        ShardError: The folder holds an unfinished build of something else, or another process is
            building in it right now.
    """
    state = out / STATE_FOLDER
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ShardError(
                f"output folder {out} is being built by another process", remedy="wait for it"
            ) from error
        mark = state / "fingerprint"
        if not mark.is_file():
            write_whole(mark, fingerprint.encode())
        elif mark.read_text(encoding="utf-8") != fingerprint:
            raise ShardError(
                f"output folder {out} holds an unfinished build of another source or other options",
                remedy="repeat the command that was interrupted, or choose another folder",
            )
        else:
            logger.info("%s: continuing the build that was interrupted", out)
        yield
