"""What a zero-shot benchmark saves: each prompt once, short contexts, one product a country.

Three questions. How many texts go through the text tower for the paper's protocol (193 countries,
30 cities each)? A hook at the tower's embedding counts them, with a small tower. How much faster is
the text tower of ViT-B-32 (new weights) on captions of 16 and 32 tokens than open_clip's own
`encode_text`, which takes rows of 77 only, and are the features the same? (64 texts go together,
where a text bank takes 256; of a few the ratio is smaller.) And what does the second stage cost for
3,000 photographs, against a loop that asks each photograph's country for itself? Rounds alternate,
and the median of the ratios of CPU time is told.

Bars: texts = distinct prompts; features within 1e-5; at least 2.5 times as fast at 32 tokens and
4.5 at 16; at most 0.5 of the loop's time. The exit code is 1 where one is missed.

    python bench/zeroshot.py [--photos 3000] [--texts 64] [--rounds 3] [--model ViT-B-32]

About a minute and a half on one core.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import torch
from figures import report
from peers.environment import ROOT
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.evaluation.clip import text_encoder
from streetclip.model.backbone import create_backbone
from streetclip.model.text import text_features
from streetclip.zeroshot.bank import build_bank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.hierarchy import _best_countries, _likeliest
from streetclip.zeroshot.protocol import load_protocol
from streetclip.zeroshot.stages import Stages

FASTER = {32: 2.5, 16: 4.5}
"""By tokens."""
MOST_DIFFERENCE = 1e-5
MOST_OF_LOOP = 0.5
SMALL_TOWER = ROOT / "experiments" / "models" / "tiny_vit_64.json"
SCALE = 100.0
WIDTH = 512


def cpu_s(work: Callable[[], object]) -> float:
    """Seconds of this process."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def count_texts(candidates: Candidates) -> bool:
    """Fill a text bank, and report how many texts the tower saw."""
    backbone, seen = create_backbone(str(SMALL_TOWER), seed=0).eval(), [0]

    def count(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        seen[0] += len(given[0])

    cast(Any, backbone.clip).token_embedding.register_forward_pre_hook(count)
    with torch.inference_mode():
        build_bank(candidates, text_encoder(backbone, torch.device("cpu")))
    distinct = len(candidates.distinct_prompts)
    held = seen[0] == distinct
    report(
        *("zeroshot.py", "texts through the text tower", f"{seen[0]:,}"),
        *(f"distinct prompts: {distinct:,}", seen[0] / distinct, "equal", held),
    )
    return held


def compare_contexts(model: str, *, texts: int, rounds: int) -> bool:
    """Time both forward passes on the same captions, and report ratios and differences."""
    backbone = create_backbone(model, seed=0).eval()
    clip, held = cast(Any, backbone.clip), []
    for length, bar in FASTER.items():
        # Start, words, end; of different lengths, the longest as long as the row.
        captions = [" ".join(["street"] * (length - 2 - n % 6)) for n in range(texts)]
        short = backbone.tokenize(captions)[:, :length]
        whole = F.pad(short, (0, clip.context_length - length))
        with torch.inference_mode():
            off = float((text_features(clip, short) - clip.encode_text(whole)).abs().max())
            pairs = [
                (
                    cpu_s(lambda w=whole: clip.encode_text(w)),  # type: ignore[misc] # bound now
                    cpu_s(lambda s=short: text_features(clip, s)),  # type: ignore[misc] # as above
                )
                for _ in range(rounds)
            ]
        peer, own = (statistics.median(side) / texts * 1e3 for side in zip(*pairs, strict=True))
        ratio = statistics.median(peer / own for peer, own in pairs)
        what = f"ms of CPU a text of {length} tokens, {model}"
        held += [ratio >= bar, off <= MOST_DIFFERENCE]
        report(
            *("zeroshot.py", what, f"{own:.1f}", f"open_clip's encode_text: {peer:.1f}"),
            *(ratio, f"{bar}", ratio >= bar),
        )
        told = f"largest difference of features at {length} tokens"
        bound = f"at most {MOST_DIFFERENCE}"
        report("zeroshot.py", told, f"{off:.1e}", "", None, bound, off <= MOST_DIFFERENCE)
    return all(held)


def loop(stages: Stages, country: Tensor) -> Tensor:
    """The city of each photograph: its country's prompts, a product, a softmax, for each anew."""
    cities = []
    for image, place in zip(stages.features, country.tolist(), strict=True):
        block = stages.candidates.blocks[place]
        scores = SCALE * image @ stages.bank.city_features[block].T
        cities.append(block.start + int(scores.softmax(dim=-1).argmax()))
    return torch.tensor(cities)


def directions(count: int, *, seed: int) -> Tensor:
    """Features as wide as ViT-B-32's."""
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(count, WIDTH, generator=generator), dim=-1)


def compare_second_stage(candidates: Candidates, *, photos: int, rounds: int) -> bool:
    """Time the second stage by countries and by photographs, and report the ratio."""
    generator = torch.Generator().manual_seed(2)
    # Features of prompts, not of cities: those of one name in one country have the same.
    bank = build_bank(candidates, lambda texts: torch.randn(len(texts), WIDTH, generator=generator))
    stages = Stages(directions(photos, seed=1), bank, candidates, SCALE)
    inside = _best_countries(stages.country_scores, 1)
    country = stages.country_scores.argmax(dim=-1)
    # What is the first stage's work is done before, on both sides.
    assert stages.country_log_probability.shape == inside.shape
    same = torch.equal(_likeliest(stages, inside)[0], loop(stages, country))
    pairs = [
        (cpu_s(lambda: loop(stages, country)), cpu_s(lambda: _likeliest(stages, inside)))
        for _ in range(rounds)
    ]
    peer, own = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
    ratio = statistics.median(own / peer for peer, own in pairs)
    held = same and ratio <= MOST_OF_LOOP
    countries = len(torch.unique(country))
    report(
        *("zeroshot.py", f"ms of CPU, second stage, {photos} photographs of {countries} countries"),
        *(f"{own:.1f}", f"loop over photographs: {peer:.1f}", ratio, f"at most {MOST_OF_LOOP}"),
        held,
    )
    report("zeroshot.py", "the same cities as the loop", str(same), "", None, "True", same)
    return held


def main() -> int:
    """Count and compare; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=3_000)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="ViT-B-32")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    candidates = build_candidates(load_protocol("paper"))
    held = [count_texts(candidates)]
    with torch.inference_mode():
        held.append(compare_second_stage(candidates, photos=chosen.photos, rounds=chosen.rounds))
    held.append(compare_contexts(chosen.model, texts=chosen.texts, rounds=chosen.rounds))
    return int(not all(held))


if __name__ == "__main__":
    sys.exit(main())
