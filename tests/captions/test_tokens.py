"""Ids put together from words, against a tokenizer that reads whole texts."""

import re
from collections.abc import Sequence

import numpy as np

from streetclip.captions.tokens import MAX_KEPT_CHARACTERS, WordTokens

LETTERS = re.compile(r"'s|\w+|[^\s\w]+")


def encode(text: str) -> list[int]:
    """A tokenizer of whole texts: a number for every piece, from its letters alone."""
    return [sum(map(ord, piece)) + 1000 * len(piece) for piece in LETTERS.findall(text)]


def test_ids_are_those_of_the_whole_text_wherever_words_meet() -> None:
    tokens = WordTokens(encode, clean=str.lower)
    rng = np.random.default_rng(0)
    pieces = ["Foix", "'s", " ", "  ", ".", "(", ")", "-", "St", "É", "Λ", "\t", "7", ", ", "in "]
    for _ in range(500):
        text = "".join(rng.choice(pieces, rng.integers(0, 9)))
        assert tokens(text) == encode(text.lower())


def test_a_word_is_read_once_and_a_text_without_words_has_no_ids() -> None:
    read: list[str] = []

    def counting(text: str) -> Sequence[int]:
        read.append(text)
        return encode(text)

    tokens = WordTokens(counting)
    assert tokens("in the town of Foix in the region of Foix") == encode(
        "in the town of Foix in the region of Foix"
    )
    assert tokens("the Foix.") == encode("the Foix.")
    assert tokens(" \n ") == []
    assert read == ["in", "the", "town", "of", "Foix", "region", "Foix."]


def test_the_cleaner_sees_the_whole_text() -> None:
    def clean(text: str) -> str:
        return text.replace("Ã©", "é") if text.startswith("broken") else text

    tokens = WordTokens(encode, clean=clean)
    for text in ("broken FoixÃ©", "whole FoixÃ©", "broken FoixÃ©"):
        assert tokens(text) == encode(clean(text))


def test_no_more_words_are_kept_than_allowed_and_ids_stay_the_same() -> None:
    tokens = WordTokens(encode, max_words=3)
    texts = ["a b c", "c d e", "a b c", "e f g h i"]
    assert [tokens(text) for text in texts] == [encode(text) for text in texts]
    assert len(tokens) == 3
    long = "x" * (MAX_KEPT_CHARACTERS + 1)
    assert tokens(long) == encode(long)
    assert tokens("g h i") == encode("g h i")
    assert len(tokens) == 3
