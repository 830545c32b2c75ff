"""Question: what does a loss that knows equal captions cost, beside the one that does not?

Forward and backward of `multi_positive` and `siglip` against `clip` on the features of one process,
alternating in one run. Captions repeat as they do on country-level captions (75 countries), which
changes nothing for the time of any of them.

    python bench/losses.py [--rows 1024] [--width 512] [--rounds 15] [--threads 1]

Bar: `multi_positive` at most 1.15 times the CPU time of `clip` at 1,024 rows; the exit code is 1
where it is missed. Ten seconds on one core.
"""

import argparse
import statistics
import sys
import time

import torch
from figures import report
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.model.loss import make_loss

MOST = 1.15
COUNTRIES = 75


def features(rows: int, width: int, *, seed: int) -> Tensor:
    """Random directions, with gradient."""
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, width, generator=generator), dim=-1).requires_grad_()


def seconds(loss: nn.Module, rows: int, width: int) -> float:
    """CPU time of one forward and backward pass."""
    image, text = features(rows, width, seed=1), features(rows, width, seed=2)
    scale, bias = (torch.tensor(value, requires_grad=True) for value in (14.3, -10.0))
    ids = torch.randint(COUNTRIES, (rows,), generator=torch.Generator().manual_seed(3))
    started = time.process_time()
    loss(image, text, scale, caption_id=ids, logit_bias=bias).loss.backward()
    return time.process_time() - started


def main() -> int:
    """Measure, report, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1024)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    losses = {kind: make_loss(kind) for kind in ("clip", "multi_positive", "siglip")}
    times: dict[str, list[float]] = {kind: [] for kind in losses}
    for _ in range(given.rounds + 1):
        for kind, loss in losses.items():
            times[kind].append(seconds(loss, given.rows, given.width))
    # The first round warms up.
    ms = {kind: 1000 * statistics.median(values[1:]) for kind, values in times.items()}
    what = f"loss and gradients of {given.rows} pairs of {given.width} numbers, ms of CPU"
    held = True
    for kind, bar in (("multi_positive", MOST), ("siglip", None)):
        ratio = ms[kind] / ms["clip"]
        ok = bar is None or ratio <= bar
        held &= ok
        words = "" if bar is None else f"at most {bar} x clip"
        report(
            "losses.py", f"{kind}: {what}", f"{ms[kind]:.1f}", f"clip: {ms['clip']:.1f}",
            ratio, words, ok,
        )  # fmt: skip
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
