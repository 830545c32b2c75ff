"""Benchmark sets as they were downloaded: recognized again, and ready shards indexed in place."""

import csv
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from streetclip.manifest.folder import find_photographs
from streetclip.manifest.read import read_manifest
from streetclip.manifest.sets import find_set
from streetclip.records import Rejection
from streetclip.shards.index import index_shards
from streetclip.shards.layout import is_shard_set, write_shard_set
from streetclip.shards.lists import REJECTED_FILE, benchmark_option
from streetclip.shards.locks import alone

_log = logging.getLogger(__name__)


def building(out: Path) -> AbstractContextManager[None]:
    """One command at a time writes a folder; another waits, and then finds it finished.

    Args:
        out: The folder.
    """
    return alone(
        out.with_name(f".{out.name}.lock"),
        lambda: _log.info("another process is building %s; waiting for it", out),
    )


def set_content(source: Path, preset: str | None) -> str:
    """A digest of a benchmark set as it lies there now.

    It changes when a photograph is added, so that nobody is shown a result on the part of a set
    that he had downloaded before.

    Args:
        source: A folder or table.
        preset: Name of the kind of source, or None.

    Returns:
        64 hexadecimal digits.

    Raises:
        ManifestError: The source cannot be used.
    """
    digest = hashlib.sha256(json.dumps([str(source.resolve()), preset]).encode())
    place = find_set(source, preset)
    if place.table is None:
        # Their names and times tell enough; reading the EXIF of all of them would take minutes.
        _add_files(digest, find_photographs(place.photographs))
        return digest.hexdigest()
    manifest = read_manifest(source, preset=preset, benchmark=True)
    digest.update(place.table.read_bytes())
    _add_files(digest, (Path(row.image) for row in manifest.rows))
    refused = [[row.name, row.reason] for row in manifest.rejections]
    digest.update(json.dumps([refused, list(manifest.surplus)]).encode())
    return digest.hexdigest()


def _add_files(digest: "hashlib._Hash", files: Iterable[Path]) -> None:
    for file in files:
        state = file.stat()
        digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())


def linked_set(tars: Path, folder: Path, *, preset: str) -> Path:
    """Ready WebDataset shards as a shard set, without a byte written beside them.

    Args:
        tars: The folder that they were downloaded to.
        folder: Where built shard sets are kept; the set there holds links, and the indices.
        preset: Name of the benchmark set.

    Returns:
        The shard set.

    Raises:
        ShardError: A tar is damaged, or not one sample can be used.
    """
    files = sorted(tars.resolve().glob("*.tar"))
    states = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    digest = hashlib.sha256(json.dumps([str(tars.resolve()), preset, states]).encode())
    out = folder / f"{preset}-{digest.hexdigest()[:12]}"
    with building(out):
        if is_shard_set(out):
            _log.info("shard set found: %s", out)
        else:
            _index(files, out, preset)
    return out


def _index(files: list[Path], out: Path, preset: str) -> None:
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for file in files:
        (part / file.name).symlink_to(file)
    found = index_shards(part, processes=os.cpu_count() or 1)
    rejections = list(_read_rejections(part / REJECTED_FILE))
    said = benchmark_option(preset, len(found) + len(rejections), rejections, ())
    write_shard_set(replace(found, options={**said, "keep_unplaced": True}))
    part.rename(out)
    _log.info("%d photographs of %d tars indexed: %s", len(found), len(files), out)


def _read_rejections(path: Path) -> Iterator[Rejection]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Rejection(row["name"], row["reason"], row["detail"])
