"""The paper's in-batch matching: which caption of its batch belongs to a photograph?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from streetclip.geo.countries import countries
from streetclip.metrics.functional import in_batch_matches
from streetclip.zeroshot.bank import encode_distinct
from streetclip.zeroshot.prompts import fill

# Always all that is known, unlike in training, so that the number is the same at every evaluation.
CAPTION = (
    "A Street View photo[ close to the town of {town}][ in the region of {region}] in {country}."
)


def full_caption(metadata: Mapping[str, Any]) -> str | None:
    """The caption that tells everything known about where a photograph was taken.

    Args:
        metadata: Of a sample.

    Returns:
        The caption, or None where not even the country is known.

    Example:
        >>> full_caption({"country": "NL", "town": "Delft"})
        'A Street View photo close to the town of Delft in the Netherlands.'
    """
    code = metadata.get("country")
    if code is None or code not in countries():
        return None
    places = {name: metadata.get(name) or "" for name in ("town", "region")}
    return fill(CAPTION, places | {"country": countries()[code].phrase})


def match(
    image_features: Float[Tensor, "n d"],
    captions: Sequence[str | None],
    encode_texts: Callable[[Sequence[str]], Tensor],
    *,
    batch_size: int,
) -> list[bool | None]:
    """Whether each photograph finds its caption among those of its batch.

    Args:
        image_features: Of length 1.
        captions: From `full_caption`, in the same order.
        encode_texts: Texts to features.
        batch_size: Photographs of a batch; a smaller rest at the end would have fewer captions to
            choose from, and is not counted.

    Returns:
        One answer a photograph; None where it is not counted, as in a batch of one caption.
    """
    matched: list[bool | None] = [None] * len(captions)
    texts = sorted({text for text in captions if text is not None})
    if not texts:
        return matched
    number = {text: row for row, text in enumerate(texts)}
    table = encode_distinct(texts, encode_texts, batch_size=max(batch_size, len(captions)))
    for start in range(0, len(captions) - batch_size + 1, batch_size):
        rows = [i for i in range(start, start + batch_size) if captions[i] is not None]
        caption_id = torch.tensor([number[str(captions[i])] for i in rows], dtype=torch.int64)
        caption_id = caption_id.to(table.device)
        # One caption alone would always be found.
        if len(set(caption_id.tolist())) > 1:
            # Autocast would round the scores to 8 bits, and the ties would decide.
            with torch.autocast(table.device.type, enabled=False):
                found = in_batch_matches(image_features[rows], table[caption_id], caption_id)
            for i, right in zip(rows, found.tolist(), strict=True):
                matched[i] = right
    return matched
