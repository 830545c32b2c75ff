"""Features of all prompts of a protocol; the text tower sees each distinct prompt once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from streetclip.zeroshot.candidates import Candidates


@dataclass(frozen=True)
class TextBank:
    """What the text tower makes of a protocol's places.

    Args:
        country_features: One row a country, of length 1.
        city_features: One row a city, of length 1.
        prompts: How many prompts were encoded.
        region_features: One row a region, of length 1; None where no region is asked between
            country and city.
    """

    country_features: Float[Tensor, "c d"]
    city_features: Float[Tensor, "m d"]
    prompts: int
    region_features: Float[Tensor, "r d"] | None = None


def build_bank(
    candidates: Candidates,
    encode_texts: Callable[[Sequence[str]], Tensor],
    *,
    batch_size: int = 256,
    between: Callable[[], None] | None = None,
) -> TextBank:
    """Encode every distinct prompt once; the prompts of an ensemble are averaged.

    Args:
        candidates: From `build_candidates`.
        encode_texts: Texts to features ``[p, d]``.
        batch_size: Prompts in one call.
        between: Called before each call of `encode_texts`; what it raises ends the work.

    Returns:
        The bank, in fp32 on the device that the features come from.
    """
    encode = encode_texts if between is None else announced(encode_texts, between)
    table = encode_distinct(candidates.distinct_prompts, encode, batch_size=batch_size)
    row = {prompt: number for number, prompt in enumerate(candidates.distinct_prompts)}

    def features(groups: Sequence[tuple[str, ...]]) -> Float[Tensor, "g d"]:
        rows = torch.tensor([[row[prompt] for prompt in group] for group in groups])
        return ensemble(table[rows.to(table.device)])

    return TextBank(
        country_features=features(candidates.country_prompts),
        city_features=features(candidates.city_prompts),
        prompts=len(candidates.distinct_prompts),
        region_features=features(candidates.region_prompts) if candidates.region_prompts else None,
    )


def ensemble(features: Float[Tensor, "g e d"]) -> Float[Tensor, "g d"]:
    """The average direction of several features, each first brought to length 1.

    Args:
        features: e features for each of g places.

    Returns:
        One feature a place, of length 1.

    Example:
        >>> ensemble(torch.tensor([[[2.0, 0.0], [0.0, 1.0]]]))
        tensor([[0.7071, 0.7071]])
    """
    return F.normalize(F.normalize(features, dim=-1).mean(dim=1), dim=-1)


def encode_distinct(
    texts: Sequence[str], encode_texts: Callable[[Sequence[str]], Tensor], *, batch_size: int
) -> Float[Tensor, "p d"]:
    """Encode texts in batches of similar length, since a batch is as long as its longest text.

    Args:
        texts: Each once.
        encode_texts: Texts to features ``[p, d]``.
        batch_size: Texts in one call.

    Returns:
        Features in the order of `texts`, in fp32.
    """
    order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
    features = torch.cat(
        [
            encode_texts([texts[number] for number in order[start : start + batch_size]]).float()
            for start in range(0, len(order), batch_size)
        ]
    )
    return features[torch.tensor(order, device=features.device).argsort()]


def announced(
    encode_texts: Callable[[Sequence[str]], Tensor], between: Callable[[], None]
) -> Callable[[Sequence[str]], Tensor]:
    """An encoder that calls something before each pass.

    Args:
        encode_texts: Texts to features.
        between: What it raises ends the work.
    """

    def encode(texts: Sequence[str]) -> Tensor:
        between()
        return encode_texts(texts)

    return encode
