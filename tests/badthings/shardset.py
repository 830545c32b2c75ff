"""Shard sets that hold bad samples, as an index made elsewhere, or long ago, would let them in."""

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.badthings.scene import encoded, scene
from tests.badthings.tarbytes import GoodSample, Samples, plain

from streetclip.shards.index import save_index
from streetclip.shards.layout import ShardSet, shard_set_digest, write_shard_set
from streetclip.shards.sidecar import make_index
from streetclip.shards.tar import walk_tar

PLACE = json.dumps({"latitude": 48.85, "longitude": 2.35, "country": "FR"}).encode()


def good_sample(number: int) -> GoodSample:
    """A sample with which nothing is wrong; its key is ``0000``, ``0001``, ..."""
    return GoodSample(f"{number:04d}", encoded(scene()), PLACE)


def write_shards(folder: Path, shards: Sequence[Samples]) -> ShardSet:
    """Tars of samples, good or bad, with an index that names all of them without a judgement.

    Args:
        folder: A new folder.
        shards: The samples of each tar; image and metadata may be any bytes.

    Returns:
        The shard set, written to the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number, samples in enumerate(shards):
        tar = folder / f"{number:06d}.tar"
        tar.write_bytes(plain(samples))
        places = [(member.offset, member.size) for member in walk_tar(tar)]
        records = [
            (image[0], metadata[0], image[1], metadata[1], *_checksums(sample))
            for sample, image, metadata in zip(samples, places[::2], places[1::2], strict=True)
        ]
        entries.append(save_index(tar, make_index([sample.key for sample in samples], records)))
    shard_set = ShardSet(folder, tuple(entries), shard_set_digest(entries), {}, {})
    write_shard_set(shard_set)
    return shard_set


def _checksums(sample: GoodSample) -> tuple[int, int]:
    return zlib.crc32(sample.image), zlib.crc32(sample.metadata)
