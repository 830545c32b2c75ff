"""Question: what does it take to know the batch of any step, in a set of a billion samples?

A plan of half a million shards of 2,000 samples is asked for the first and the last step of an
epoch, and for one in the middle of a later epoch, each by a plan that was asked for nothing before;
memory is what that takes beyond a plan of a thousand samples. The peer is the shuffled list of all
samples that an ordinary sampler holds: NumPy's permutation of a hundredth of them, times a hundred.

    python bench/plan.py [--samples 1000000000] [--batch 4096]

Bars: 50 ms of CPU, a twentieth of what a GPU takes for its part of a step (256 pairs of a ViT-L-14
at 336 px at 306 a second: 840 ms), so that no step waits for its plan; 200 MiB, because every
loader process holds a plan of its own, and that is a quarter of what the peer's buffer of 5,000
encoded photographs takes in each (0.77 GB). The exit code is 1 where one is missed.
Some seconds on one core.
"""

import argparse
import sys
import time
import tracemalloc

import numpy as np
from figures import report

from streetclip.data.plan import Plan

NAME = "plan.py"
MOST_MS, MOST_MIB = 50.0, 200.0
PER_SHARD, ROUNDS, PEER_SHARE = 2_000, 5, 100


def main() -> int:
    """Ask for some steps, and say whether time and memory are held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000_000)
    parser.add_argument("--batch", type=int, default=4096)
    given = parser.parse_args()
    sizes = [PER_SHARD] * (given.samples // PER_SHARD)
    last = Plan(sizes, batch_size=given.batch).steps_per_epoch - 1
    steps = {"first": (0, 0), "last": (0, last), "of a later epoch": (7, last // 3)}
    peer_s, peer_mib = permuted(given.samples)
    held = True
    for name, (epoch, step) in steps.items():
        spent = min(cold_s(sizes, given.batch, epoch, step) for _ in range(ROUNDS)) * 1e3
        report(
            NAME,
            f"keys of a step ({name}) of {given.samples:,} samples, ms of CPU (less is better)",
            f"{spent:.1f}",
            f"a shuffled list of all of them: {peer_s * 1e3:,.0f}",
            peer_s * 1e3 / spent,
            f"at most {MOST_MS:.0f}",
            spent <= MOST_MS,
        )
        held &= spent <= MOST_MS
    small = [PER_SHARD] * max(1, -(-given.batch // PER_SHARD))
    grown = memory_mib(sizes, given.batch, 7, last // 3) - memory_mib(small, given.batch, 7, 0)
    report(
        NAME,
        "memory of that plan beyond one of a few shards, MiB (less is better)",
        f"{grown:.1f}",
        f"a shuffled list of all of them: {peer_mib:,.0f}",
        peer_mib / grown if grown > 0 else None,
        f"at most {MOST_MIB:.0f}",
        grown <= MOST_MIB,
    )
    return 0 if held and grown <= MOST_MIB else 1


def cold_s(sizes: list[int], batch: int, epoch: int, step: int) -> float:
    """CPU time of one answer of a plan that was asked for nothing before."""
    plan = Plan(sizes, batch_size=batch)
    began = time.process_time()
    plan.positions(epoch, step)
    return time.process_time() - began


def memory_mib(sizes: list[int], batch: int, epoch: int, step: int) -> float:
    """The most that a plan and one answer of it take, without the list of sizes it is given."""
    tracemalloc.start()
    try:
        Plan(sizes, batch_size=batch).positions(epoch, step)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def permuted(samples: int) -> tuple[float, float]:
    """CPU seconds and MiB of a permutation of all samples, from a hundredth of them."""
    part = max(1, samples // PEER_SHARE)
    began = time.process_time()
    order = np.random.default_rng(0).permutation(part)
    spent = time.process_time() - began
    return spent * samples / part, order.nbytes * samples / part / 2**20


if __name__ == "__main__":
    sys.exit(main())
