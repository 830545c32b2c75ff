"""Question: how few countries repeat in a batch when a plan spreads them, and what does it cost?

Counts equal pairs (two photographs of one country) in the batches of one window of all lanes: in
random order, spread, and the least that any order can have, in which every country is dealt out to
the steps as evenly as whole numbers allow.

    python bench/spread.py [--window 512]

Windows hold whole steps here; a last step that is cut short cannot have as many of all.

Bar: of the pairs that could be avoided, 98 % are; the exit code is 1 where it is missed. The CPU
time of a window is told, which every loader process spends once a window. Five seconds.
"""

import argparse
import sys
import time

import numpy as np
from figures import report
from jaxtyping import Int64

from streetclip.data.spread import spread

LEAST_AVOIDED = 0.98
# Batch, lanes, countries, and whether the n-th is 1/n as frequent as the first.
CASES = (
    (32, 32, 75, False),
    (256, 64, 48, False),
    (32, 32, 200, True),
    (256, 64, 200, True),
    (1024, 64, 200, True),
)


def equal_pairs(countries: Int64[np.ndarray, "lanes w"], steps: Int64[np.ndarray, " w"]) -> float:
    """Pairs of one country a step, in the order of the columns."""
    pairs = 0
    for step in range(steps[-1] + 1):
        counts = np.bincount(countries[:, steps == step].ravel())
        pairs += int((counts * (counts - 1) // 2).sum())
    return pairs / int(steps[-1] + 1)


def fewest(countries: Int64[np.ndarray, "lanes w"], number: int) -> float:
    """The least pairs a step that any order can have."""
    counts = np.bincount(countries.ravel())
    low, more = counts // number, counts % number
    pairs = (number - more) * low * (low - 1) // 2 + more * (low + 1) * low // 2
    return float(pairs.sum()) / number


def measure(batch: int, lanes: int, count: int, skewed: bool, window: int) -> bool:
    """One case; whether the bar is held."""
    rng = np.random.default_rng(0)
    share = 1 / np.arange(1, count + 1) if skewed else np.ones(count)
    countries = rng.choice(count, p=share / share.sum(), size=(lanes, window))
    orders = np.stack([rng.permutation(window) for _ in range(lanes)])
    steps = np.arange(window) // (batch // lanes)
    tie = rng.permutation(steps[-1] + 1)
    started = time.process_time()
    dealt = spread(countries, orders, steps, tie=tie)
    spent = time.process_time() - started
    random = equal_pairs(np.take_along_axis(countries, orders, axis=1), steps)
    apart = equal_pairs(np.take_along_axis(countries, dealt, axis=1), steps)
    least = fewest(countries, len(tie))
    avoided = (random - apart) / (random - least)
    frequent = "the n-th 1/n as frequent" if skewed else "equally frequent"
    held = avoided >= LEAST_AVOIDED
    report(
        "spread.py",
        f"equal pairs in a batch of {batch} of {count} countries, {frequent}, {lanes} lanes; "
        f"{1000 * spent:.0f} ms of CPU a window",
        f"{apart:.2f}",
        f"random: {random:.2f}, least possible: {least:.2f}",
        random / apart if apart else None,
        f"{LEAST_AVOIDED:.0%} of what can be avoided",
        held,
    )
    return held


def main() -> int:
    """All cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--window", type=int, default=512)
    given = parser.parse_args()
    held = [measure(*case, given.window) for case in CASES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
