"""Question: how fast is a shard set written and read, against webdataset on the same photographs?

The tars are written from bytes in memory by our writer and by webdataset's, and read sample by
sample, in random order by ours and in order by webdataset's; rounds alternate, CPU time, medians.
What it takes to index and to verify a photograph is printed beside them.

    python bench/shards_read.py [--photos 1000]

No bar. About half a minute on one core.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import webdataset as wds
from figures import report
from loader import write_photographs

from streetclip.captions.template import load_template
from streetclip.data.usable import Usable
from streetclip.shards.index import index_shards, index_tar
from streetclip.shards.layout import ShardSet
from streetclip.shards.newtar import new_tar
from streetclip.shards.read import ShardReader
from streetclip.shards.verify import verify


def main() -> int:
    """Write tars, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tars = Path(name) / "set"
        tars.mkdir()
        write_photographs(tars, given.photos)
        compare_reading(index_shards(tars), Path(name))
    return 0


def compare_reading(shard_set: ShardSet, folder: Path) -> None:
    """Writing and reading of raw bytes, beside webdataset's own."""
    tars = [shard_set.path(number) for number in range(len(shard_set.shards))]
    reader, urls = ShardReader(shard_set), [str(tar) for tar in tars]
    positions = [(s, n) for s, size in enumerate(shard_set.samples_per_shard) for n in range(size)]
    random.Random(0).shuffle(positions)
    samples = [reader.read(*at) for at in positions]

    def write() -> None:
        with new_tar(folder / "ours.tar") as add:
            for raw in samples:
                add(f"{raw.key}.jpg", raw.image)
                add(f"{raw.key}.json", raw.metadata)

    def write_with_webdataset() -> None:
        with wds.TarWriter(str(folder / "peer.tar"), encoder=False) as writer:
            for raw in samples:
                writer.write({"__key__": raw.key, "jpg": raw.image, "json": raw.metadata})

    _beside("writing a tar", write, "wds.TarWriter", write_with_webdataset, len(samples))
    _beside(
        "reading a sample, in random order",
        lambda: [reader.read(*at) for at in positions],
        "wds.WebDataset, in order",
        lambda: list(wds.WebDataset(urls, shardshuffle=False)),
        len(samples),
    )
    for stage, work in (
        ("index", lambda: [index_tar(tar) for tar in tars]),
        ("verify", lambda: verify(shard_set.root, Usable(load_template("street")))),
    ):
        spent = f"{_ms(work, len(samples)):.3f}"
        report("shards_read.py", f"{stage}, ms of CPU a photograph", spent, "", None, "", ok=True)


def _beside(
    what: str, ours: Callable[[], object], peer: str, theirs: Callable[[], object], count: int
) -> None:
    spent = [(_ms(ours, count), _ms(theirs, count)) for _ in range(3)]
    our_ms, their_ms = (statistics.median(column) for column in zip(*spent, strict=True))
    ratio = statistics.median(b / a for a, b in spent)
    report("shards_read.py", f"{what}, ms of CPU a photograph (less is better)", f"{our_ms:.3f}",
           f"{peer}: {their_ms:.3f}", ratio, "", ok=True)  # fmt: skip


def _ms(work: Callable[[], object], count: int) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) / count * 1e3


if __name__ == "__main__":
    sys.exit(main())
