"""Question: what do the checks of an exact loader cost, against all that it spends on a sample?

The loader compares a crc32 with each member that it reads; of a set at a URL it asks the cache each
time it opens a tar. Both are timed alone, in the same run as the loader, on photographs of about
150 kB. A tar is taken to be opened anew for every sample, the worst that a plan of many lanes does.

    python bench/checks.py [--photos 600] [--size 224] [--rounds 3]

Bars: crc and cache together at most 4 % of the loader's CPU time a sample; the index at most 64
bytes a sample besides its key; the exit code is 1 where one is missed. About half a minute on one
core.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import torch
from figures import report
from loader import say
from peers.our_loader import data
from peers.photographs import write_tars

from streetclip.shards.cache import Cache
from streetclip.shards.files import ShardFiles
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet, open_shard_set
from streetclip.shards.read import RawSample, ShardReader

MOST_CPU_PERCENT = 4.0
MOST_INDEX_BYTES = 64.0


def microseconds(work: Callable[[], object], samples: int, rounds: int) -> float:
    """CPU time a sample, the median of some rounds."""
    spent = []
    for _ in range(rounds):
        begin = time.process_time()
        work()
        spent.append((time.process_time() - begin) / samples * 1e6)
    return statistics.median(spent)


def whole_microseconds(shards: ShardSet, *, size: int, rounds: int) -> float:
    """CPU time of all that the loader does for a sample."""
    loader = data(shards.root, size=size, batch_size=32, workers=0).train_dataloader()
    return microseconds(lambda: [batch["step"] for batch in loader], len(shards) // 32 * 32, rounds)


def all_samples(shards: ShardSet) -> list[RawSample]:
    """Every sample, read once."""
    reader = ShardReader(shards)
    sizes = enumerate(shards.samples_per_shard)
    return [reader.read(shard, sample) for shard, size in sizes for sample in range(size)]


def open_for_each(shards: ShardSet, files: ShardFiles) -> None:
    """Open and close a tar for every sample."""
    for entry in shards.shards:
        for _ in range(entry.samples):
            os.close(files.open_tar(entry))


def index_bytes(shards: ShardSet) -> float:
    """Bytes of the indices a sample, without the keys."""
    reader, total = ShardReader(shards), 0
    for shard, entry in enumerate(shards.shards):
        total += shards.files.index_path(entry).stat().st_size
        total -= sum(len(reader.key(shard, sample)) for sample in range(entry.samples))
    return total / len(shards)


def compare(shards: ShardSet, folder: Path, *, size: int, rounds: int) -> list[str]:
    """Time the parts and the whole, print the shares, and return which bars are missed."""
    samples = all_samples(shards)
    crc = microseconds(
        lambda: [(zlib.crc32(raw.image), zlib.crc32(raw.metadata)) for raw in samples],
        len(samples),
        rounds,
    )
    cached = open_shard_set(f"file://{shards.root}", cache=Cache(folder / "cache"))
    open_for_each(cached, cached.files)
    local = microseconds(lambda: open_for_each(shards, shards.files), len(shards), rounds)
    cache = microseconds(lambda: open_for_each(cached, cached.files), len(shards), rounds) - local
    whole = whole_microseconds(shards, size=size, rounds=rounds)
    image_kb = statistics.mean(len(raw.image) for raw in samples) / 1e3
    print(f"photographs of {image_kb:.0f} kB, batches of {size} px")
    print(f"{'all of a sample':>16}: {whole:8.1f} us of CPU")
    for name, spent in (("crc32", crc), ("cache", cache), ("both", crc + cache)):
        print(f"{name:>16}: {spent:8.1f} us, {100 * spent / whole:.2f} % (bar for both: 4)")
    index = index_bytes(shards)
    print(f"{'index':>16}: {index:8.1f} bytes a sample besides its key (bar: 64)")
    percent = 100 * (crc + cache) / whole
    report(
        "checks.py",
        f"crc32 and cache, of all CPU time of a sample ({image_kb:.0f} kB, {size} px)",
        f"{100 * crc / whole:.2f} % + {100 * cache / whole:.2f} %",
        f"all of a sample: {whole:.0f} us",
        None,
        f"at most {MOST_CPU_PERCENT:.0f} %",
        percent <= MOST_CPU_PERCENT,
    )
    report(
        "checks.py",
        "index, bytes a sample besides its key",
        f"{index:.0f}",
        "",
        None,
        f"at most {MOST_INDEX_BYTES:.0f}",
        index <= MOST_INDEX_BYTES,
    )
    return missed(percent, index)


def missed(percent: float, index: float) -> list[str]:
    """The bars that are not held, in words."""
    problems = []
    if percent > MOST_CPU_PERCENT:
        problems.append(f"crc and cache take {percent:.2f} % of the CPU, above {MOST_CPU_PERCENT}")
    if index > MOST_INDEX_BYTES:
        problems.append(f"the index takes {index:.1f} bytes a sample, above {MOST_INDEX_BYTES}")
    return problems


def main() -> int:
    """Make photographs, and compare; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tars(folder / "set", arguments.photos)
        shards = index_shards(folder / "set")
        problems = compare(shards, folder, size=arguments.size, rounds=arguments.rounds)
    return say(problems)


if __name__ == "__main__":
    sys.exit(main())
