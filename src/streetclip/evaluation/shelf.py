"""What is kept of one model: the photographs of a set, and the prompts of a protocol."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from streetclip.evaluation.embedded import Embedded, joined
from streetclip.evaluation.feature_cache import FeatureCache, Kept, name_of
from streetclip.evaluation.photographs import Pass
from streetclip.zeroshot.bank import announced, encode_distinct

# Raised when the same photographs or texts would get other features than before.
VERSION = 1
_MATCHED: Mapping[bool | None, int] = {None: -1, False: 0, True: 1}
_TRUTH = {number: truth for truth, number in _MATCHED.items()}


@dataclass(frozen=True)
class PhotoShelf:
    """Features of one model on one set: pass by pass while they are computed, then in one file.

    Args:
        cache: Where they are kept.
        facts: All that decides them: weights, architecture, photographs, precision, sizes.
    """

    cache: FeatureCache
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Of the one file."""
        return name_of("set", {**self.facts, "version": VERSION})

    def whole(self) -> Embedded | None:
        """All photographs, if they are kept."""
        return _embedded(self.cache.read(self.name))

    def part(self, step: Pass) -> Embedded | None:
        """The photographs of a pass, if they are kept.

        Args:
            step: Neighbors in the set.
        """
        found = _embedded(self.cache.read(self._part_name(step)))
        return found if found is not None and found.index == step.indices else None

    def keep(self, step: Pass, photographs: Embedded) -> None:
        """Keep the photographs of a pass.

        Args:
            step: Neighbors in the set.
            photographs: Of that pass.
        """
        self._write(self._part_name(step), photographs)

    def bind(self, plan: Sequence[Pass]) -> None:
        """Make one file of all passes, if all are kept.

        Args:
            plan: All that count, in the order of the set.
        """
        if self.whole() is not None:
            return
        parts = [found for step in plan if (found := self.part(step)) is not None]
        if len(parts) == len(plan) and self._write(self.name, joined(parts)):
            self.cache.drop([self._part_name(step) for step in plan])

    def _part_name(self, step: Pass) -> str:
        reach = {"first": step.indices[0], "last": step.indices[-1]}
        return name_of("part", {**self.facts, **reach, "version": VERSION})

    def _write(self, name: str, photographs: Embedded) -> bool:
        matched = [_MATCHED[value] for value in photographs.matched]
        return self.cache.write(
            name,
            {
                "features": photographs.features,
                "matched": torch.tensor(matched, dtype=torch.int8),
            },
            {
                "index": photographs.index,
                "keys": photographs.keys,
                "metadata": photographs.metadata,
                "errors": photographs.errors,
            },
        )


def _embedded(kept: Kept | None) -> Embedded | None:
    if kept is None:
        return None
    return Embedded(
        index=tuple(kept.facts["index"]),
        keys=tuple(kept.facts["keys"]),
        metadata=tuple(kept.facts["metadata"]),
        errors=tuple(kept.facts["errors"]),
        features=kept.tensors["features"],
        matched=tuple(_TRUTH[number] for number in kept.tensors["matched"].tolist()),
    )


@dataclass(frozen=True)
class TextShelf:
    """Features of one model's texts, a file for each list of prompts.

    Lists that are asked by several protocols, such as those that differ only in how they decode,
    are kept once.

    Args:
        cache: Where they are kept.
        facts: All that decides them beside the texts: weights, architecture, precision.
    """

    cache: FeatureCache
    facts: Mapping[str, Any]

    def name(self, texts: Sequence[str]) -> str:
        """Of the file of some texts.

        Args:
            texts: In their order.
        """
        digest = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
        return name_of("text", {**self.facts, "texts": digest, "version": VERSION})

    def encoder(
        self,
        texts: Sequence[str],
        encode: Callable[[Sequence[str]], Tensor],
        *,
        device: torch.device,
        batch_size: int,
        between: Callable[[], None] | None = None,
    ) -> Callable[[Sequence[str]], Tensor]:
        """An encoder that knows certain texts, and asks the model for all others.

        Args:
            texts: Each once; the model is asked for them now, unless they are kept.
            encode: Texts to features ``[p, d]``.
            device: Where the features shall lie.
            batch_size: Texts in one call of `encode`.
            between: Called before each of these calls; what it raises ends the work.

        Returns:
            A function like `encode`.
        """
        name = self.name(texts)
        kept = self.cache.read(name)
        if kept is not None:
            table = kept.tensors["features"].to(device)
        else:
            telling = encode if between is None else announced(encode, between)
            table = encode_distinct(texts, telling, batch_size=batch_size)
            self.cache.write(name, {"features": table}, {"texts": len(texts)})
        row = {text: number for number, text in enumerate(texts)}

        def look_up(asked: Sequence[str]) -> Tensor:
            if not all(text in row for text in asked):
                return encode(asked)
            return table[torch.tensor([row[text] for text in asked], device=device)]

        return look_up
