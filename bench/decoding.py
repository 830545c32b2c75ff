"""Question: what does it cost to answer for 3,000 photographs, once their features are known?

Greedy, beam (ten countries) and expected distance (ten countries) answer for random features under
the paper's protocol: 193 countries, 30 cities each. The table of distances among all candidates is
part of the time. Also told: how many texts go through the text tower, against the rule that asks
for 193 countries and 30 cities for every photograph anew.

    python bench/decoding.py [--photos 3000] [--model none|ViT-B-32] [--threads 1]

With `--model ViT-B-32` the prompts go through its text tower (new weights), and the texts that it
saw are counted; with `none` their features are random, and the prompts are counted.

Bars: the three decodings together under 2 s; the exit code is 1 where it is missed, or where the
text tower sees a prompt twice. Seconds with `none`, some minutes with a model on two cores.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from figures import report
from loader import say
from torch import Tensor
from torch.nn import functional as F

from streetclip.evaluation.clip import text_encoder
from streetclip.model.backbone import create_backbone
from streetclip.zeroshot.bank import TextBank, build_bank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import load_protocol

MOST_SECONDS = 2.0
WIDTH = 512
SCALE = 100.0
Encode = Callable[[Sequence[str]], Tensor]


class Counted:
    """A text tower that counts the texts it sees."""

    def __init__(self, encode: Encode) -> None:
        self.encode, self.texts = encode, 0

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Features of texts."""
        self.texts += len(texts)
        return self.encode(texts)


def unit(count: int, *, seed: int) -> Tensor:
    """Random directions."""
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, WIDTH, generator=generator), dim=-1)


def random_tower() -> Encode:
    """A text tower that answers at random, each time anew."""
    generator = torch.Generator().manual_seed(0)
    return lambda texts: torch.randn(len(texts), WIDTH, generator=generator)


def tower(model: str) -> Encode:
    """Texts to features."""
    if model == "none":
        return random_tower()
    return text_encoder(create_backbone(model, seed=0).eval(), torch.device("cpu"))


def text_calls(candidates: Candidates, encode: Encode, photos: int) -> tuple[TextBank, list[str]]:
    """Fill the text bank, and print and return what is wrong with the number of texts."""
    counted = Counted(encode)
    began = time.perf_counter()
    with torch.inference_mode():
        bank = build_bank(candidates, counted)
    seconds = time.perf_counter() - began
    countries = len(candidates.country_codes)
    plain = photos * (countries + 30)
    distinct = len(candidates.distinct_prompts)
    print(f"text bank: {counted.texts:,} texts in {seconds:.1f} s, {distinct:,} distinct prompts")
    print(f"a prompt for each photograph anew: {photos:,} x ({countries} + 30) = {plain:,} texts")
    print(f"ratio: {plain / counted.texts:.0f}")
    report(
        "decoding.py",
        f"texts through the text tower for {photos:,} photographs",
        f"{counted.texts:,}, each once" if counted.texts == distinct else f"{counted.texts:,}",
        f"a prompt for each photograph anew: {plain:,}",
        plain / counted.texts,
        f"{distinct:,} distinct prompts",
        counted.texts == distinct,
    )
    if counted.texts != distinct:
        return bank, [f"the text tower saw {counted.texts} texts for {distinct} distinct prompts"]
    return bank, []


def decodings(candidates: Candidates, bank: TextBank, photos: int) -> list[str]:
    """Time the three decodings, print them, and return which bar is missed."""
    images = unit(photos, seed=1)
    spent = {}
    for kind in ("greedy", "beam", "expected"):
        rule = load_protocol(f"paper+{kind}").rule
        # Nothing is kept from one decoding to the next.
        places = replace(candidates, rule=rule)
        began = time.process_time()
        answers = decode(images, bank, places, logit_scale=SCALE)
        spent[kind] = time.process_time() - began
        answered = len(torch.unique(answers.country_index))
        looked = "all" if rule.countries is None else rule.countries
        print(f"{kind:>9}: {spent[kind]:.3f} s, {looked} countries, {answered} answered")
    total = sum(spent.values())
    print(f"{'together':>9}: {total:.3f} s (bar: {MOST_SECONDS})")
    report(
        "decoding.py",
        f"greedy, beam and expected for {photos:,} photographs under `paper`, s of CPU",
        " + ".join(f"{seconds:.2f}" for seconds in spent.values()),
        "",
        None,
        f"together at most {MOST_SECONDS}",
        total <= MOST_SECONDS,
    )
    if total > MOST_SECONDS:
        return [f"the decodings take {total:.2f} s, above {MOST_SECONDS}"]
    return []


def main() -> int:
    """Encode prompts and decode; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=3_000)
    parser.add_argument("--model", default="none", help="none or a model of open_clip")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    candidates = build_candidates(load_protocol("paper"))
    cities = len(candidates.latlon)
    print(f"{arguments.photos:,} photographs, {cities:,} cities, {arguments.threads} threads")
    bank, problems = text_calls(candidates, tower(arguments.model), arguments.photos)
    return say(problems + decodings(candidates, bank, arguments.photos))


if __name__ == "__main__":
    sys.exit(main())
