"""Captions to token rows, with the byte-pair vocabulary that open_clip ships."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Int64
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

_log = logging.getLogger(__name__)


class Tokenize:
    """Captions to token rows with CLIP's own byte-pair vocabulary; cheap to send to a process.

    Args:
        context_length: Longest row that the model takes, with start and end.
        short: Rows are as long as the longest caption, rounded up to a multiple of 8; else full.

    Example:
        >>> tokenize = Tokenize(77)
        >>> tokenize(["a street in France"]).tolist()
        [[49406, 320, 2012, 530, 3552, 49407, 0, 0]]
    """

    def __init__(self, context_length: int, *, short: bool = True) -> None:
        self.context_length = context_length
        self.short = short
        self._tokenizer: SimpleTokenizer | None = None
        self._has_cut = False

    def __call__(self, captions: Sequence[str]) -> Int64[Tensor, "n t"]:
        """Token rows of captions: start, caption, end, zeros; cut (and said so) at the context."""
        if self._tokenizer is None:
            self._tokenizer = SimpleTokenizer()
        tokenizer = self._tokenizer
        rows = [self._fit(tokenizer.encode(caption), caption) for caption in captions]
        longest = max((len(row) for row in rows), default=0) + 2
        length = min(-(-longest // 8) * 8, self.context_length) if self.short else None
        tokens = torch.zeros(len(rows), length or self.context_length, dtype=torch.int64)
        for tokens_row, row in zip(tokens, rows, strict=True):
            full = [tokenizer.sot_token_id, *row, tokenizer.eot_token_id]
            tokens_row[: len(full)] = torch.tensor(full)
        return tokens

    def __reduce__(self) -> tuple[Any, ...]:
        """Only the arguments travel; the other process reads the vocabulary when it needs it."""
        return _tokenize, (self.context_length, self.short)

    def _fit(self, row: list[int], caption: str) -> list[int]:
        room = self.context_length - 2
        if len(row) > room and not self._has_cut:
            self._has_cut = True
            _log.warning(
                "a caption of %d tokens is cut at %d (further ones without a word): %s",
                *(len(row) + 2, self.context_length, caption),
            )
        return row[:room]


def _tokenize(context_length: int, short: bool) -> Tokenize:
    return Tokenize(context_length, short=short)
