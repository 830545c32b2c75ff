"""Question: does memory grow with the size of a set, in a build and in an epoch of training?

Both are run in a process of their own on a set and on one four times as large, and the most memory
that the process ever held is compared. The build encodes photographs of 1024 x 768; the epoch is
the exact loader without workers and a training step of a tiny CLIP. (What saved activations take is
measured by `accumulation.py`, what loader workers take by `loader.py`.)

    python bench/memory.py [--photos 200] [--rounds 1]

Bars: at most 24 KiB more for each further photograph, less than a fifth of what a photograph of a
shard takes, so that none of them is kept; the exit code is 1 where one is missed. About a minute on
two cores.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from figures import report

NAME = "memory.py"
MOST_KIB = 24.0
TIMES = 4


def main() -> int:
    """Measure both kinds of work, or do one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--work", choices=["build", "train"], help="do it here, and print MiB")
    given = parser.parse_args()
    if given.work:
        {"build": build, "train": train}[given.work](given.photos)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    held = True
    for work, what in (("build", "building shards"), ("train", "an epoch of training")):
        few, many = (
            statistics.median(peak_mib(work, photos) for _ in range(given.rounds))
            for photos in (given.photos, TIMES * given.photos)
        )
        grown = (many - few) * 1024 / ((TIMES - 1) * given.photos)
        report(
            NAME, f"{what}, peak memory, MiB, {TIMES * given.photos} photographs", f"{many:.0f}",
            f"{given.photos} photographs: {few:.0f}", many / few,
            f"at most {MOST_KIB:.0f} KiB a further photograph (measured {grown:.1f})",
            grown <= MOST_KIB,
        )  # fmt: skip
        held &= grown <= MOST_KIB
    return 0 if held else 1


def peak_mib(work: str, photos: int) -> float:
    """The most memory of a process that does it."""
    command = [sys.executable, __file__, "--work", work, "--photos", str(photos)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def build(photos: int) -> None:
    """A source becomes a shard set."""
    from shards_build import make_source

    from streetclip.shards.write import BuildOptions, build_shards

    with tempfile.TemporaryDirectory() as name:
        source = make_source(Path(name) / "source", photos, 1024)
        build_shards(source, Path(name) / "out", options=BuildOptions(val_share=0))


def train(photos: int) -> None:
    """One epoch of a tiny model."""
    import torch
    from peers.our_loader import data
    from peers.photographs import write_tars

    torch.set_num_threads(1)
    image = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 16, 16), torch.nn.Flatten(1))
    with tempfile.TemporaryDirectory() as name:
        # Photographs that are drawn stay in memory: this process must not be the one that draws.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            apart.submit(write_tars, Path(name), photos).result()
        module = data(Path(name), size=64, batch_size=32, workers=0)
        optimizer = torch.optim.AdamW(image.parameters(), fused=True)
        for batch in module.train_dataloader():
            features = torch.nn.functional.normalize(image(batch["image"].float() / 255))
            loss = (features @ features.T).logsumexp(1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


if __name__ == "__main__":
    sys.exit(main())
