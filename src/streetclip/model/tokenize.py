"""Captions to token rows, with the byte-pair vocabulary that open_clip ships."""

import logging
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor

from streetclip.captions.tokens import WordTokens

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
        self._ids: WordTokens | None = None
        self._has_cut = False

    def __call__(self, captions: Sequence[str]) -> Int64[Tensor, "n t"]:
        """Token rows of captions: start, caption, end, zeros; cut (and said so) at the context."""
        if self._tokenizer is None or self._ids is None:
            self._tokenizer = SimpleTokenizer()
            self._ids = by_words(self._tokenizer)
        start, end = self._tokenizer.sot_token_id, self._tokenizer.eot_token_id
        rows = [[start, *self._fit(self._ids(caption), caption), end] for caption in captions]
        longest = max((len(row) for row in rows), default=2)
        length = min(-(-longest // 8) * 8, self.context_length) if self.short else None
        tokens = np.zeros((len(rows), length or self.context_length), np.int64)
        for tokens_row, row in zip(tokens, rows, strict=True):
            tokens_row[: len(row)] = row
        return torch.from_numpy(tokens)

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


def by_words(tokenizer: SimpleTokenizer) -> WordTokens:
    """The ids that a tokenizer gives, each word read once, in bounded memory.

    The tokenizer's own reading keeps every piece that it has ever seen, so only its vocabulary, its
    cleaning and its cutting are used.

    Args:
        tokenizer: open_clip's, as it was made.

    Returns:
        One text to the ids of `tokenizer.encode`, without start and end.

    Example:
        >>> tokens = by_words(SimpleTokenizer())
        >>> tokens("Saint-Denis &amp; Réunion") == SimpleTokenizer().encode("Saint-Denis & réunion")
        True
    """
    whole, ids, letters = dict(tokenizer.cache), tokenizer.encoder, tokenizer.byte_encoder
    ranks = tokenizer.bpe_ranks

    def cleaned(text: str) -> str:
        # Of plain ASCII, ftfy and the reading of HTML change nothing but what has an ampersand.
        if text.isascii() and text.isprintable() and "&" not in text:
            return text.lower()
        return str(tokenizer.clean_fn(text))

    def encode(word: str) -> list[int]:
        found = []
        for piece in tokenizer.pat.findall(word):
            symbols = "".join(letters[byte] for byte in piece.encode())
            found += [symbols] if symbols in whole else merge(symbols, ranks)
        return [ids[symbol] for symbol in found]

    return WordTokens(encode, clean=cleaned)


def merge(letters: str, ranks: Mapping[tuple[str, str], int]) -> list[str]:
    """Byte-pair encoding: the neighbors with the lowest rank become one, until none has a rank.

    Source: Sennrich, Haddow and Birch, "Neural Machine Translation of Rare Words with Subword
    Units" (2016), section 3.2.

    Args:
        letters: Of one word; the end of the word is part of its last letter.
        ranks: Pairs in the order in which they were learned.

    Example:
        >>> merge("aabab", {("a", "b"): 0, ("ab", "ab</w>"): 1, ("a", "b</w>"): 2})
        ['a', 'abab</w>']
    """
    symbols = [*letters[:-1], letters[-1] + "</w>"]
    while len(symbols) > 1:
        found = [ranks.get(pair, math.inf) for pair in pairwise(symbols)]
        best = min(found)
        if best == math.inf:
            break
        symbols = _joined(symbols, [rank == best for rank in found])
    return symbols


def _joined(symbols: list[str], with_next: list[bool]) -> list[str]:
    """Symbols of which some are one with the next; of three equal ones the first two."""
    joined, at = list[str](), 0
    while at < len(symbols):
        both = at < len(with_next) and with_next[at]
        joined.append(symbols[at] + symbols[at + 1] if both else symbols[at])
        at += 1 + both
    return joined


def _tokenize(context_length: int, short: bool) -> Tokenize:
    return Tokenize(context_length, short=short)
