"""A sample's columns and a generator become one caption."""

import math
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from streetclip.captions.filters import FILTERS, plain_text
from streetclip.captions.parse import Sentence, Slot
from streetclip.captions.template import Template
from streetclip.errors import SampleError


def synthesize(template: Template, columns: Mapping[str, Any], rng: np.random.Generator) -> str:
    """Write one caption.

    Every caption of a template takes the same count of uniform numbers from the generator, whatever
    the sample knows, so that an unknown month does not change which town is told.

    Args:
        template: From `load_template`.
        columns: The sample's metadata; None, NaN and empty text count as unknown.
        rng: Decides what is told and in which order.

    Returns:
        The sentences, each with its end, joined by spaces.

    Raises:
        SampleError: If a required column is unknown, or a value means nothing to its filter.

    Example:
        >>> from streetclip.captions.template import load_template
        >>> rng = np.random.default_rng(0)
        >>> synthesize(load_template("street"), {"country": "NL", "town": "Delft"}, rng)
        'A Street View photo close to the town of Delft in the Netherlands.'
    """
    known = _known(template, columns)
    numbers = iter(rng.random(template.draws).tolist())
    told: dict[str, str] = {}
    ranks: dict[str, float] = {}
    for sentence in template.sentences:
        keep, rank, *parts = islice(numbers, 2 + len(sentence.parts))
        words = _words(sentence, known, parts)
        if words and keep < _probability(sentence, told):
            told[sentence.name] = words + sentence.end
            ranks[sentence.name] = rank if sentence.shuffle else -1.0
    # The sort is stable, so sentences that are not shuffled stay in front, in the file's order.
    return " ".join(told[name] for name in sorted(told, key=ranks.__getitem__))


def check_columns(template: Template, columns: Mapping[str, Any]) -> None:
    """Refuse a sample of which some caption could not be written, whatever would be drawn.

    Args:
        template: From `load_template`.
        columns: The sample's metadata.

    Raises:
        SampleError: What `synthesize` would raise with one generator or another.

    Example:
        >>> from streetclip.captions.template import load_template
        >>> check_columns(load_template("street"), {"town": "Delft"})
        Traceback (most recent call last):
        ...
        streetclip.errors.SampleError: missing_country: the captions 'street' need it
    """
    known = _known(template, columns)
    for sentence in template.sentences:
        # The smallest number that can be drawn keeps every part that is ever kept.
        _words(sentence, known, [0.0] * len(sentence.parts))


def _known(template: Template, columns: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: columns[name] for name in template.columns if _is_known(columns.get(name))}
    for name in template.required:
        if name not in known:
            raise SampleError(f"missing_{name}", f"the captions {template.name!r} need it")
    return known


def _is_known(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isnan(value)
    return value is not None and not (isinstance(value, str) and not value.strip())


def _probability(sentence: Sentence, told: Mapping[str, str]) -> float:
    if any(name in told for name in sentence.without):
        return 0.0
    for name, probability in sentence.given:
        if name in told:
            return probability
    return sentence.probability


def _words(sentence: Sentence, known: Mapping[str, Any], numbers: list[float]) -> str:
    """The kept parts, or nothing if the sentence has slots and none of them is known."""
    possible = [all(slot.column in known for slot in part.slots) for part in sentence.parts]
    slotted = [can for can, part in zip(possible, sentence.parts, strict=True) if part.slots]
    if slotted and not any(slotted):
        return ""
    return " ".join(
        "".join(
            _value(piece.filters, known[piece.column]) if isinstance(piece, Slot) else piece
            for piece in part.pieces
        )
        for part, can, number in zip(sentence.parts, possible, numbers, strict=True)
        if can and number < part.probability
    )


# Typed, because True and 1 are one key otherwise, and mean different things to a filter.
@lru_cache(maxsize=16_384, typed=True)
def _value(filters: tuple[str, ...], value: Any) -> str:
    for name in filters:
        value = FILTERS[name](value)
    return plain_text(value)
