"""Captions to token ids, put together from those of their words, which captions share.

A byte-pair tokenizer cleans a text, cuts it at white space and punctuation, and merges letters
within what it has cut; so once a text is clean, no id depends on both sides of a space. Words of a
template and names of places come again and again, and are read once.
"""

from collections.abc import Callable, Sequence

MAX_WORDS = 32_768
MAX_KEPT_CHARACTERS = 64


class WordTokens:
    """Ids of texts by their words; the same whatever was asked before.

    Args:
        encode: A cleaned text to its ids; those of words joined by spaces must be those of the
            words, one after another.
        clean: A text as `encode` must see it. It gets the whole text, because what a cleaner does
            to a word may depend on the others: one broken letter can tell that a text was decoded
            wrongly. None leaves texts as they are.
        max_words: How many words are kept; the one that came first goes first.

    Example:
        >>> read = []
        >>> tokens = WordTokens(lambda word: read.append(word) or [len(word)], clean=str.lower)
        >>> tokens("A street in France"), tokens("a  Street in Ghana")
        ([1, 6, 2, 6], [1, 6, 2, 5])
        >>> read
        ['a', 'street', 'in', 'france', 'ghana']
    """

    def __init__(
        self,
        encode: Callable[[str], Sequence[int]],
        *,
        clean: Callable[[str], str] | None = None,
        max_words: int = MAX_WORDS,
    ) -> None:
        self._encode = encode
        self._clean = clean
        self._max_words = max_words
        self._ids: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """Words that are kept."""
        return len(self._ids)

    def __call__(self, text: str) -> list[int]:
        """Ids of one text.

        Args:
            text: Any; it need not be clean.

        Returns:
            What `encode` gives for the cleaned text.
        """
        known, ids = self._ids, list[int]()
        for word in (text if self._clean is None else self._clean(text)).split():
            ids += known.get(word) or self._read(word)
        return ids

    def _read(self, word: str) -> tuple[int, ...]:
        ids = tuple(self._encode(word))
        # A name of hundreds of letters without a space is rare, and would make the bound worthless.
        if len(word) <= MAX_KEPT_CHARACTERS:
            if len(self._ids) >= self._max_words:
                del self._ids[next(iter(self._ids))]
            self._ids[word] = ids
        return ids
