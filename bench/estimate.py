"""What a step really holds in memory, against what `streetclip pretrain --plan` says it will.

Question: can the memory of a dry run be believed? A model of its own weights, gradients, AdamW and
activations takes two steps on the CPU in fp32, one process each, while a thread watches the memory
of the process; what it had before the model was made is taken off. Bar: from 0.9 to 1.1 times the
estimate, with and without gradient checkpointing.

    python bench/estimate.py [--model ViT-B-32] [--rows 16] [--tokens 40]

One to two minutes on one core, 3 GB; `--model experiments/models/tiny_vit_64.json --rows 256`
takes half a minute, and its small model says less about weights.
"""

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from figures import report
from torch.nn.functional import cross_entropy

from streetclip.build.arithmetic import Batches
from streetclip.build.estimate import Memory, memory_of
from streetclip.model.backbone import create_backbone
from streetclip.model.cost import count_cost

LOW, HIGH = 0.9, 1.1
"""What is measured, of what was estimated."""
# Blocks go back to the system when they are freed, so that what is held is what shows.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}


def estimated(name: str, rows: int, tokens: int, *, checkpointing: bool) -> Memory:
    """What a dry run says of one pass on one device."""
    with torch.device("meta"):
        model = create_backbone(name, gradient_checkpointing=checkpointing)
    shape = model.preprocess
    alone = Batches(rows, 1, rows, rows, 1, "cached", 1, rows - 1)
    cost = count_cost(model, tokens=tokens)
    return memory_of(cost, alone, image_bytes=3 * shape.height * shape.width, averages=False)


def measured(name: str, rows: int, tokens: int, *, checkpointing: bool) -> int:
    """Bytes that two steps take at their highest, in this process."""
    _steps("experiments/models/quickstart.json", 2, tokens, checkpointing=False)
    before = _resident()
    with _watching() as highest:
        _steps(name, rows, tokens, checkpointing=checkpointing)
    return highest[0] - before


def _steps(name: str, rows: int, tokens: int, *, checkpointing: bool) -> None:
    model = create_backbone(name, gradient_checkpointing=checkpointing)
    shape = model.preprocess
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    image = torch.randint(0, 256, (rows, 3, shape.height, shape.width), dtype=torch.uint8)
    text = torch.ones(rows, tokens, dtype=torch.int64)
    truth = torch.arange(rows)
    for _ in range(2):
        optimizer.zero_grad(set_to_none=False)
        logits = model.encode_image(image) @ model.encode_text(text).T
        loss = cross_entropy(logits, truth) + cross_entropy(logits.T, truth)
        loss.backward()
        optimizer.step()


@contextmanager
def _watching() -> Iterator[list[int]]:
    highest, done = [_resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            highest[0] = max(highest[0], _resident())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield highest
    finally:
        done.set()
        thread.join()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _in_a_process(name: str, rows: int, tokens: int, *, checkpointing: bool) -> int:
    words = [sys.executable, __file__, "--model", name, "--rows", str(rows)]
    words += ["--tokens", str(tokens), "--measure", "with" if checkpointing else "without"]
    done = subprocess.run(words, env={**os.environ, **_MALLOC}, capture_output=True, check=True)
    return int(done.stdout)


def _compare(name: str, rows: int, tokens: int, *, checkpointing: bool) -> bool:
    theirs = estimated(name, rows, tokens, checkpointing=checkpointing).total
    ours = _in_a_process(name, rows, tokens, checkpointing=checkpointing)
    ratio = ours / theirs
    report(
        "estimate.py",
        f"memory of a step of {rows} pairs, {name}, {'with' if checkpointing else 'without'} "
        "checkpointing, GiB",
        f"{ours / 2**30:.2f}",
        f"the estimate of --plan: {theirs / 2**30:.2f}",
        ratio,
        f"{LOW} to {HIGH}",
        LOW <= ratio <= HIGH,
    )
    return LOW <= ratio <= HIGH


def main() -> int:
    """Measure and compare; 1 if an estimate is off."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="ViT-B-32")
    parser.add_argument("--rows", type=int, nargs="+", default=[16])
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--measure", choices=("with", "without"))
    given = parser.parse_args()
    if given.measure:
        checkpointing = given.measure == "with"
        rows = given.rows[0]
        print(measured(given.model, rows, given.tokens, checkpointing=checkpointing))
        return 0
    held = [
        _compare(given.model, rows, given.tokens, checkpointing=checkpointing)
        for rows in given.rows
        for checkpointing in (False, True)
    ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())
