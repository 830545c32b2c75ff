"""What the cache costs a reader: samples of a set at a URL against the same set in a folder.

Question: is a sample read through the cache as fast as from a plain folder, once its shard is
there? Both read every sample in one random order; rounds alternate in one process, and CPU time is
measured, so that a busy machine slows neither. With few open files every read opens a tar, which
is the worst case.

    python bench/remote.py [--photos 1600] [--rounds 5]

About half a minute on one core.
"""

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from figures import report
from loader import write_photographs

from streetclip.shards.cache import Cache
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet, open_shard_set
from streetclip.shards.read import ShardReader


def microseconds_a_sample(
    shards: ShardSet, order: list[tuple[int, int]], *, max_open_files: int
) -> float:
    """CPU time of one pass over all samples."""
    reader = ShardReader(shards, max_open_files=max_open_files)
    begin = time.process_time()
    for shard, sample in order:
        reader.read(shard, sample)
    spent = time.process_time() - begin
    reader.close()
    return spent / len(order) * 1e6


def compare(folder: Path, cache: Path, *, rounds: int) -> None:
    """Alternate both places and print the ratios."""
    for tar in folder.glob("*.tar"):
        # What was written in large pieces is read faster from the page cache, so both shall be.
        tar.write_bytes(tar.read_bytes())
    local = index_shards(folder)
    remote = open_shard_set(f"file://{folder}", cache=Cache(cache))
    counts = local.samples_per_shard
    order = [(shard, sample) for shard, count in enumerate(counts) for sample in range(count)]
    random.Random(0).shuffle(order)
    for max_open_files in (len(counts), 1):
        spent: dict[str, list[float]] = {"folder": [], "cache": []}
        microseconds_a_sample(remote, order, max_open_files=len(counts))  # Fetches all.
        for _ in range(rounds):
            for name, shards in (("folder", local), ("cache", remote)):
                one = microseconds_a_sample(shards, order, max_open_files=max_open_files)
                spent[name].append(one)
        ratio = statistics.median(
            b / a for a, b in zip(spent["folder"], spent["cache"], strict=True)
        )
        medians = ", ".join(f"{n} {statistics.median(v):.0f} us" for n, v in spent.items())
        print(f"{max_open_files} open files: {medians}; ratio {ratio:.2f} (median of {rounds})")
        opened = "a tar opened for every sample" if max_open_files == 1 else "all tars open"
        ours, theirs = (f"{statistics.median(spent[name]):.0f}" for name in ("cache", "folder"))
        report(
            "remote.py",
            f"reading a sample of a fetched shard set, {opened}, us of CPU (less is better)",
            ours,
            f"the same set in a folder: {theirs}",
            ratio,
            "",
            ok=True,
        )


def main() -> None:
    """Write a set of tars and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        write_photographs(Path(folder), arguments.photos, per_tar=50)
        compare(Path(folder), Path(cache), rounds=arguments.rounds)


if __name__ == "__main__":
    main()
