"""Question: how fast are shards written and read, against webdataset on the same photographs?

Prints one line a stage: milliseconds of wall clock a photograph, and photographs a second.

    python bench/shards_build.py [--photos 400] [--side 1024] [--processes 2]
"""

import argparse
import io
import logging
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from streetclip.shards.index import index_tar
from streetclip.shards.layout import ShardSet, open_shard_set
from streetclip.shards.photograph import encode_photograph
from streetclip.shards.read import ShardReader
from streetclip.shards.verify import verify
from streetclip.shards.write import BuildOptions, build_shards


def main() -> None:
    """Makes photographs of noise on gradients, then times every stage."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = make_source(folder / "source", arguments.photos, arguments.side)
        options = BuildOptions(val_share=0, samples_per_shard=200)
        for processes in (1, arguments.processes):
            out = folder / f"out{processes}"
            build = lambda out=out, n=processes: build_shards(  # noqa: E731
                source, out, options=options, processes=n
            )
            show(f"build_shards, {processes} processes", arguments.photos, build)
        compare_reading(open_shard_set(folder / "out1"), folder)
        images = [path.read_bytes() for path in sorted(source.parent.glob("*.jpg"))]
        show(
            "of which re-encoding",
            arguments.photos,
            lambda: [
                encode_photograph(raw, max_side_px=512, quality=90, max_pixels=10**8)
                for raw in images
            ],
        )
        show("verify", arguments.photos, lambda: verify(folder / "out1"))


def compare_reading(shard_set: ShardSet, folder: Path) -> None:
    """Reading and writing of raw bytes, beside webdataset's own."""
    # Here, because the processes that build shards import this file, and this brings torch along.
    import webdataset as wds

    count = len(shard_set)
    tars = [shard_set.path(number) for number in range(len(shard_set.shards))]
    show("index", count, lambda: [index_tar(tar) for tar in tars])
    reader = ShardReader(shard_set)
    positions = [(s, n) for s, size in enumerate(shard_set.samples_per_shard) for n in range(size)]
    random.Random(0).shuffle(positions)
    show("ShardReader, random order", count, lambda: [reader.read(*at) for at in positions])
    urls = [str(tar) for tar in tars]
    show("wds.WebDataset, in order", count, lambda: list(wds.WebDataset(urls, shardshuffle=False)))
    samples = [reader.read(*at) for at in positions]

    def write_with_webdataset() -> None:
        with wds.TarWriter(str(folder / "peer.tar"), encoder=False) as writer:
            for raw in samples:
                writer.write({"__key__": raw.key, "jpg": raw.image, "json": raw.metadata})

    show("wds.TarWriter, raw bytes", count, write_with_webdataset)


def show(stage: str, count: int, work: Callable[[], object]) -> None:
    """Times a stage and prints a line."""
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    print(f"{stage:32} {seconds / count * 1000:8.3f} ms {count / seconds:10.0f} a second")


def make_source(folder: Path, count: int, side: int) -> Path:
    """Photographs with the detail of a street scene, and their table."""
    folder.mkdir()
    random_numbers = np.random.default_rng(0)
    lines = ["image,latitude,longitude,country"]
    for number in range(count):
        coarse = random_numbers.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        image = Image.fromarray(coarse).resize((side, side * 3 // 4), Image.Resampling.BICUBIC)
        out = io.BytesIO()
        Image.blend(image, Image.effect_noise(image.size, 60).convert("RGB"), 0.15).save(
            out, "JPEG"
        )
        (folder / f"{number:06}.jpg").write_bytes(out.getvalue())
        lines.append(f"{number:06}.jpg,{40 + number % 10},{number % 9},")
    table = folder / "photos.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


if __name__ == "__main__":
    main()
