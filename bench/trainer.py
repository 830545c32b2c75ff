"""What an epoch costs beside its model: our trainer against open_clip 3.3.0's own.

Question: do Lightning, exact resume and what a run writes cost more than a plain loop? Both train
the same tiny CLIP for an epoch of 1,024 photographs from the same tars, in fp32 with AdamW,
clipping and a schedule. Ours is what `streetclip pretrain` runs: a log of every step with the
learning rate, the progress bar, a checkpoint at the end, the cursor; the peer's is
`train_one_epoch` and the checkpoint of its `main`, in the environment that it needs
(`peers/environment.py` makes it). Each side has a process of its own; they take turns, and all CPU
time of an epoch counts.

Two comparisons: with the loader that each has, and with an epoch's batches in memory, ids of the
whole context on both sides, which leaves the trainers alone.

Bar: at most 0.95 of the peer's CPU time in both. The exit code is 1 where it is missed.

    python bench/trainer.py [--photos 1024] [--rounds 3] [--model experiments/models/NAME.json]

About three minutes.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from figures import report
from peers.contestant import Contestant
from peers.environment import ROOT, peer_folder
from peers.photographs import write_tars

MOST = 0.95


def compare(tars: Path, photos: int, *, model: Path, in_memory: bool, rounds: int) -> bool:
    """Take turns, and report the CPU time of an epoch."""
    shared = [str(tars), "--photos", str(photos), "--model", str(model)]
    shared += ["--in-memory"] if in_memory else []
    theirs = Contestant("their_trainer.py", shared, path=[peer_folder()])
    with theirs, Contestant("our_trainer.py", shared) as ours:
        for side in (theirs, ours):
            side.ask("epoch")
        pairs = [[side.ask("epoch")["cpu_s"] for side in (theirs, ours)] for _ in range(rounds)]
    peer, own = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(own / peer for peer, own in pairs)
    held = ratio <= MOST
    source = "batches in memory" if in_memory else "its own loader"
    report(
        *("trainer.py", f"s of CPU, an epoch of {photos}, {source}", f"{own:.2f}"),
        *(f"open_clip 3.3.0's trainer: {peer:.2f}", ratio, f"at most {MOST}", held),
    )
    return held


def main() -> int:
    """Write photographs, and compare; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--model", type=Path, default=ROOT / "experiments" / "models" / "tiny_vit_64.json"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tars = Path(folder)
        write_tars(tars, chosen.photos, per_tar=128)
        held = [
            compare(
                tars,
                chosen.photos,
                model=chosen.model,
                in_memory=in_memory,
                rounds=chosen.rounds,
            )
            for in_memory in (False, True)
        ]
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
