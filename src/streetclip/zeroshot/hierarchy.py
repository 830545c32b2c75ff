"""Greedy decoding: the best country, then the best of that country's cities."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import Candidates


@dataclass(frozen=True)
class Decoded:
    """Answers for n photographs, on the CPU.

    Args:
        country_index: Position of the country among the candidates.
        city_index: Position of the city among the candidates; always a city of that country.
        country_probability: Softmax over the countries, at the answer.
        city_probability: Softmax over that country's cities, at the answer.
        top_index: The most probable countries, best first.
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
        candidates: The places.
        logit_scale: What cosines are multiplied with before a softmax.
        top_k: How many countries to tell with their probabilities.

    Returns:
        The answers, in the order of the photographs.
    """
    # Autocast would round the scores to 8 bits, and the ties would decide.
    with torch.autocast(image_features.device.type, enabled=False):
        features = image_features.float()
        country_scores = logit_scale * features @ bank.country_features.T
        # Ranked by score: probabilities of close scores can be equal after rounding.
        ranked = country_scores.argsort(dim=-1, descending=True, stable=True)[:, :top_k]
        ranked_probability = country_scores.softmax(dim=-1).gather(1, ranked)
        country_index = ranked[:, 0]
        city_index = torch.empty_like(country_index)
        city_probability = torch.empty_like(country_scores[:, 0])
        first_equal = torch.from_numpy(candidates.first_equal).to(features.device)
        # One product for each country that was answered is faster than one for each photograph.
        for country in torch.unique(country_index).tolist():
            members = (country_index == country).nonzero().squeeze(1)
            block = candidates.blocks[country]
            scores = logit_scale * features[members] @ bank.city_features[block].T
            best = scores.argmax(dim=-1)
            city_index[members] = first_equal[block.start + best]
            city_probability[members] = scores.softmax(dim=-1).gather(1, best[:, None]).squeeze(1)
    return Decoded(
        country_index=country_index.cpu(),
        city_index=city_index.cpu(),
        country_probability=ranked_probability[:, 0].cpu(),
        city_probability=city_probability.cpu(),
        top_index=ranked.cpu(),
        top_probability=ranked_probability.cpu(),
    )
