"""Decoding: a country and a city for each photograph, by the rule that the protocol names."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import Candidates
from streetclip.zeroshot.expected import least_expected_loss
from streetclip.zeroshot.stages import Stages, log_sum_by

# Photographs go together so far as a table of them against all cities has this many cells.
_CELLS = 1 << 25


@dataclass(frozen=True)
class Decoded:
    """Answers for n photographs, on the CPU.

    Args:
        country_index: Position of the country among the candidates.
        city_index: Position of the city among the candidates; always a city of that country.
        country_probability: Softmax over the countries, at the answer; that of a country that is
            asked by region is the sum over its regions.
        city_probability: Softmax over that country's, or region's, cities, at the answer.
        top_index: The answered country, then the most probable others, best first, each once;
            of a country that is asked by region stands the answered region, or else its first.
        top_probability: Their probabilities.
    """

    country_index: Int64[Tensor, " n"]
    city_index: Int64[Tensor, " n"]
    country_probability: Float[Tensor, " n"]
    city_probability: Float[Tensor, " n"]
    top_index: Int64[Tensor, "n k"]
    top_probability: Float[Tensor, "n k"]


def decode(
    image_features: Float[Tensor, "n d"],
    bank: TextBank,
    candidates: Candidates,
    *,
    logit_scale: float,
    top_k: int = 5,
) -> Decoded:
    """Answer country and city for every photograph; of equal scores the lowest index wins.

    Args:
        image_features: Of length 1, on the device of the bank.
        bank: Features of the candidates' prompts.
        candidates: The places, with the rule by which one is chosen.
        logit_scale: What cosines are multiplied with before a softmax.
        top_k: How many countries to tell with their probabilities.

    Returns:
        The answers, in the order of the photographs.
    """
    size = max(_CELLS // max(len(candidates.latlon), 1), 1)
    # Autocast would round the scores to 8 bits, and the ties would decide.
    with torch.autocast(image_features.device.type, enabled=False):
        parts = [
            _decode(Stages(part.float(), bank, candidates, logit_scale), top_k)
            for part in torch.split(image_features, size)
        ]
    return Decoded(*(torch.cat(columns).cpu() for columns in zip(*parts, strict=True)))


def _decode(stages: Stages, top_k: int) -> tuple[Tensor, ...]:
    candidates, rule = stages.candidates, stages.candidates.rule
    inside = _best_countries(stages.country_scores, rule.countries)
    if rule.kind == "expected":
        city = least_expected_loss(stages, inside)
        country = _on(candidates.country_index, city)[city]
        city_probability = _probability(stages, country, city)
    else:
        city, city_probability = _likeliest(stages, inside)
        country = _on(candidates.country_index, city)[city]
    top, top_probability = _top_countries(stages, country, top_k)
    return country, city, top_probability[:, 0], city_probability, top, top_probability


def _best_countries(scores: Float[Tensor, "n c"], count: int | None) -> Bool[Tensor, "n c"]:
    """Which countries are among the best of each photograph."""
    if count is None:
        return torch.ones_like(scores, dtype=torch.bool)
    if count == 1:
        best = scores.argmax(dim=-1, keepdim=True)
    else:
        best = scores.argsort(dim=-1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(scores, dtype=torch.bool).scatter_(1, best, True)


def _likeliest(
    stages: Stages, inside: Bool[Tensor, "n c"]
) -> tuple[Int64[Tensor, " n"], Float[Tensor, " n"]]:
    """The city with the largest joint probability, and its probability within its country."""
    n = len(inside)
    joint = stages.features.new_full((n,), -torch.inf)
    city = torch.zeros(n, dtype=torch.int64, device=joint.device)
    city_log_probability = joint.clone()
    possible = inside.T.contiguous()
    is_only = stages.candidates.rule.countries == 1
    # One product for each country that is possible is faster than one for each photograph.
    for country in possible.any(dim=1).nonzero().squeeze(1).tolist():
        rows = possible[country].nonzero().squeeze(1)
        best, log_probability = stages.best_city(country, rows)
        if not is_only:
            value = stages.country_log_probability[rows, country] + log_probability
            # Countries come in their order, so that the first of equal ones stays.
            better = value > joint[rows]
            rows, best, log_probability = rows[better], best[better], log_probability[better]
            joint[rows] = value[better]
        city[rows] = best
        city_log_probability[rows] = log_probability
    return city, city_log_probability.exp()


def _probability(
    stages: Stages, country: Int64[Tensor, " n"], city: Int64[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """The probability of each photograph's city within its country."""
    probability = torch.empty_like(stages.country_scores[:, 0])
    for answered in torch.unique(country).tolist():
        rows = (country == answered).nonzero().squeeze(1)
        position = city[rows] - stages.candidates.blocks[answered].start
        table = stages.city_log_probability(answered, rows)
        probability[rows] = table.gather(1, position[:, None]).squeeze(1).exp()
    return probability


def _top_countries(
    stages: Stages, answer: Int64[Tensor, " n"], top_k: int
) -> tuple[Int64[Tensor, "n k"], Float[Tensor, "n k"]]:
    """The answered country and the best others, each code once, and their probabilities."""
    first = _on(stages.candidates.first_of_code, answer)
    scores, probability = stages.country_scores, stages.country_scores.softmax(dim=-1)
    if (first != torch.arange(len(first), device=first.device)).any():
        index = first.expand_as(scores)
        probability = torch.zeros_like(scores).scatter_add_(1, index, probability)
        # A code that stands once keeps its score exactly; later regions of one are left out.
        scores = log_sum_by(scores, first, scores.shape[1])
    # Ranked by score: probabilities of close scores can be equal after rounding.
    scores = scores.scatter(1, first[answer][:, None], torch.inf)
    ranked = scores.argsort(dim=-1, descending=True, stable=True)
    ranked = ranked[:, : min(top_k, len(torch.unique(first)))]
    told = probability.gather(1, ranked)
    return torch.cat([answer[:, None], ranked[:, 1:]], dim=1), told


def _on(table: Int64[np.ndarray, " k"], like: Tensor) -> Int64[Tensor, " k"]:
    return torch.from_numpy(table).to(like.device)
