"""Captions to token ids: ours, word by word, against the tokenizer of open_clip 3.3.0.

Question: what does a caption's way to its ids cost, and are the ids the same? 5,000 captions of the
shipped template `street` about towns of the package's own table are read by both, as their loaders
do: theirs one by one into rows of 77, ours a batch of 32 at a time into rows as long as the batch
needs. Both are made anew in each round, so that both meet every word for the first time; the
same towns in the captions of a second epoch are told as well. Rounds alternate, and CPU
time counts.

Bars: the ids are equal for all captions; at least 2.0 times the peer's speed in the first epoch.
The exit code is 1 where one is missed.

    python bench/tokens.py [--captions 5000] [--rounds 5]

About ten seconds.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from figures import report
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from streetclip.captions.synthesize import synthesize
from streetclip.captions.template import load_template
from streetclip.geo.gazetteer import load_gazetteer
from streetclip.model.tokenize import Tokenize

BAR = 2.0
BATCH_SIZE = 32
CONTEXT = 77
NON_ASCII_SHARE = 0.5
"""Of the captions: more than on Earth, because names with accents are the hard ones."""


def captions(number: int, epoch: int) -> list[str]:
    """Captions about towns drawn from the table, half of them with letters beyond ASCII."""
    towns, template, rng = load_gazetteer(), load_template("street"), np.random.default_rng(0)
    accented = np.array([not name.isascii() for name in towns.name])
    plain, odd = (rng.choice(np.flatnonzero(accented == wanted), number) for wanted in (0, 1))
    rows = np.where(rng.random(number) < NON_ASCII_SHARE, odd, plain)
    drawn = np.random.default_rng(1 + epoch)
    return [
        synthesize(
            template,
            {"country": towns.country[row], "region": towns.region[row], "town": towns.name[row]},
            drawn,
        )
        for row in rows
    ]


def their_ids(texts: Sequence[str], tokenize: SimpleTokenizer) -> list[Tensor]:
    """A row for each caption, as open_clip's training loader asks for them."""
    return [tokenize(text)[0] for text in texts]


def our_ids(texts: Sequence[str], tokenize: Tokenize) -> list[Tensor]:
    """Rows of whole batches."""
    return [tokenize(texts[at : at + BATCH_SIZE]) for at in range(0, len(texts), BATCH_SIZE)]


def microseconds(
    read: Callable[[Sequence[str], Any], object], texts: Sequence[str], tokenize: object
) -> float:
    """CPU time a caption."""
    begin = time.process_time()
    read(texts, tokenize)
    return (time.process_time() - begin) / len(texts) * 1e6


def differing(texts: Sequence[str]) -> int:
    """Captions whose ids are not the peer's."""
    theirs, ours = their_ids(texts, SimpleTokenizer()), our_ids(texts, Tokenize(CONTEXT))
    padded = [
        torch.nn.functional.pad(row, (0, CONTEXT - len(row))) for part in ours for row in part
    ]
    return sum(not torch.equal(a, b) for a, b in zip(theirs, padded, strict=True))


def main() -> int:
    """Alternate both tokenizers; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--captions", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    number = arguments.captions
    passes = {f"epoch {epoch}": captions(number, epoch) for epoch in (0, 1)}
    wrong = sum(differing(texts) for texts in passes.values())
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in passes}
    for _ in range(arguments.rounds):
        theirs, ours = SimpleTokenizer(), Tokenize(CONTEXT)
        ours(["read the vocabulary"])
        for name, texts in passes.items():
            peer = microseconds(their_ids, texts, theirs)
            spent[name].append((peer, microseconds(our_ids, texts, ours)))
    odd = sum(not text.isascii() for texts in passes.values() for text in texts)
    told = f"captions of {2 * number} with other ids, {odd} of them beyond ASCII"
    report("tokens.py", told, str(wrong), "", None, "0", wrong == 0)
    held = wrong == 0
    for name, pairs in spent.items():
        peer, own = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(peer / own for peer, own in pairs)
        is_first = name == "epoch 0"
        report(
            "tokens.py",
            f"us of CPU a caption, {name}",
            f"{own:.1f}",
            f"open_clip 3.3.0: {peer:.1f}",
            ratio,
            f"{BAR}" if is_first else "",
            ratio >= BAR or not is_first,
        )
        held &= ratio >= BAR or not is_first
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
