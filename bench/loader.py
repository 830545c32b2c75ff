"""How fast and in how much memory batches are made: our loader against open_clip 3.3.0's own.

Question: what does a photograph's way from a tar to a batch of 336 px cost? Both read the same tars
(photographs of 640 x 480 to 1024 x 768, 150 kB each), crop at random, keep 0.9 to 1 of the area,
and read captions; the peer is the loader of open_clip's training, in the environment that it needs
(`peers/environment.py` makes it once, from the network). Each side runs in a process of its own.
They take turns, epoch by epoch, after one epoch that does not count, and the median of the rounds'
ratios is told. Without workers it is a second of CPU that counts; with two it is the clock. Memory
is what the process and its two workers hold beyond what the process held before (PSS); the peer's
shuffle buffers, of 5,000 photographs a worker, are full.

Bars: at least 2.3 times the peer's photographs a second of CPU; at least 2.2 times a second of the
clock; at most 0.4 of its memory; the plan's order; no pixel further than 2 of 255, and on average
0.01, from Pillow's full decode and bicubic resize. The exit code is 1 where one is missed.

    python bench/loader.py [--workers 0 2] [--photos 576] [--rounds 3] [--size 336]
                           [--memory-photos 10400]

Three to four minutes on two cores, and 1.6 GB in a temporary folder for the memory, which
`--memory-photos 0` leaves out.
"""

import argparse
import io
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from figures import report
from peers.contestant import Contestant
from peers.environment import peer_folder
from peers.photographs import jpegs, write_tars
from PIL import Image

from streetclip.data.decode import center_crop, decode_image

BARS = {0: 2.3, 2: 2.2}
"""Our speed of the peer's, by workers."""
MOST_MEMORY = 0.4
MOST_PIXEL, MOST_MEAN = 2, 0.01
WORKERS_FOR_MEMORY = 2


def contestants(
    tars: Path, photos: int, *, size: int, workers: int, memory_batches: int = 0
) -> tuple[Contestant, Contestant]:
    """Both sides on the same tars."""
    shared = [str(tars), "--size", str(size), "--workers", str(workers)]
    shared += ["--memory-batches", str(memory_batches)]
    theirs = Contestant("their_loader.py", [*shared, "--photos", str(photos)], path=[peer_folder()])
    return theirs, Contestant("our_loader.py", shared)


def compare_speed(tars: Path, photos: int, *, size: int, workers: int, rounds: int) -> bool:
    """Take turns, and report the speeds and whether the order is the plan's."""
    clock = "wall_s" if workers else "cpu_s"
    pairs = []
    theirs, ours = contestants(tars, photos, size=size, workers=workers)
    with theirs, ours:
        in_order = ours.ask("order")["is_plan"]
        theirs.ask("epoch")
        for _ in range(rounds):
            spent = [side.ask("epoch") for side in (theirs, ours)]
            pairs.append([result["photos"] / result[clock] for result in spent])
    peer, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(own / peer for peer, own in pairs)
    second = f"a second of {'the clock' if workers else 'CPU'}, {workers} workers"
    name, bar = f"loader.py --workers {workers}", BARS.get(workers, 1.0)
    report(
        *(name, f"photographs of {size} px {second}", f"{own:.0f}"),
        *(f"open_clip 3.3.0's loader: {peer:.0f}", ratio, f"{bar}", ratio >= bar),
    )
    report(name, "an epoch in the plan's order", str(in_order), "", None, "True", in_order)
    return ratio >= bar and bool(in_order)


def compare_memory(tars: Path, photos: int, *, size: int) -> bool:
    """Report what both hold with full buffers."""
    grown = []
    sides = contestants(tars, photos, size=size, workers=WORKERS_FOR_MEMORY, memory_batches=12)
    for side in sides:
        with side:
            grown.append(side.ask("memory")["grown_mib"])
    peer, own = grown
    held = own <= MOST_MEMORY * peer
    report(
        *("loader.py --workers 2", "memory of a loader with two workers, MiB", f"{own:.0f}"),
        *(f"open_clip 3.3.0's loader: {peer:.0f}", own / peer, f"at most {MOST_MEMORY}", held),
    )
    return held


def compare_pixels(photos: int, *, size: int) -> bool:
    """Report how far our pixels are from Pillow's, decoded in full and resized by bicubic."""
    most, means = 0, []
    for raw in jpegs(photos):
        ours = center_crop(decode_image(raw), height=size, width=size).permute(1, 2, 0).numpy()
        off = np.abs(ours.astype(int) - pillow_crop(raw, size))
        most, means = max(most, int(off.max())), [*means, float(off.mean())]
    mean = statistics.mean(means)
    held = most <= MOST_PIXEL and mean <= MOST_MEAN
    bar = f"at most {MOST_PIXEL}, {MOST_MEAN}"
    what = "pixels of 255 from Pillow's, largest and mean"
    report("loader.py", what, f"{most}, {mean:.4f}", "", None, bar, held)
    return held


def pillow_crop(raw: bytes, size: int) -> np.ndarray:
    """Decoded in full, resized by Pillow until the square is covered, and the middle cut out."""
    with Image.open(io.BytesIO(raw)) as opened:
        image = opened.convert("RGB")
    scale = size / min(image.size)
    width, height = (int(side * scale + 1e-6) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(image.crop((left, top, left + size, top + size))).astype(int)


def write_photographs(folder: Path, photos: int, *, per_tar: int = 200) -> None:
    """Tars for other benches."""
    write_tars(folder, photos, per_tar=per_tar)


def say(problems: Sequence[str]) -> int:
    """Print which bars are missed, and give the exit code."""
    for problem in problems:
        print(f"BAR MISSED: {problem}", file=sys.stderr)
    return int(bool(problems))


def main() -> int:
    """Write photographs, and compare; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=576)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 2])
    parser.add_argument("--size", type=int, default=336)
    parser.add_argument("--memory-photos", type=int, default=10_400)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    held = [compare_pixels(min(chosen.photos, 60), size=chosen.size)]
    with tempfile.TemporaryDirectory() as folder:
        tars, many = Path(folder) / "tars", Path(folder) / "many"
        average = write_tars(tars, chosen.photos)
        print(f"{chosen.photos} photographs of {average:.0f} kB", flush=True)
        held += [
            compare_speed(
                tars, chosen.photos, size=chosen.size, workers=workers, rounds=chosen.rounds
            )
            for workers in chosen.workers
        ]
        if chosen.memory_photos:
            write_tars(many, chosen.memory_photos)
            held.append(compare_memory(many, chosen.memory_photos, size=chosen.size))
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
