"""A template's YAML becomes sentences; every problem is collected, none stops the reading."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from streetclip.captions.filters import FILTERS

_SLOT = re.compile(r"\{([^{}]*)\}")
_TOP_KEYS = ("source", "columns", "sentences")
_SENTENCE_KEYS = ("name", "text", "parts", "probability", "with", "without", "shuffle", "end")
_PART_KEYS = ("text", "probability")


@dataclass(frozen=True)
class Slot:
    """A place for a column's value.

    Args:
        column: Of the sample.
        filters: Names of the filters that the value passes, in order.
    """

    column: str
    filters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """Some words of a sentence, kept or left out together.

    Args:
        pieces: Literal words and slots, in order.
        probability: That the part is kept, if its columns are known.
    """

    pieces: tuple[str | Slot, ...]
    probability: float = 1.0

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The slots among the pieces."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Slot))


@dataclass(frozen=True)
class Sentence:
    """One sentence of a caption.

    Args:
        name: By which conditions speak of it.
        parts: Joined by spaces.
        probability: That the sentence is told, if one of its slots is known.
        given: Earlier sentences, each with the probability that holds instead if that one is told.
        without: Earlier sentences of which none may be told.
        shuffle: Whether it stands, in random order, behind those that are not shuffled.
        end: What closes it.
    """

    name: str
    parts: tuple[Part, ...]
    probability: float = 1.0
    given: tuple[tuple[str, float], ...] = ()
    without: tuple[str, ...] = ()
    shuffle: bool = False
    end: str = "."


@dataclass(frozen=True)
class Form:
    """What a template file says.

    Args:
        required: Columns that every sample must know.
        optional: Columns that a sample may know.
        sentences: In the file's order.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    sentences: tuple[Sentence, ...]


def parse_template(document: Any) -> tuple[Form, list[str]]:
    """Turn a template's YAML into sentences.

    Args:
        document: What the YAML parser returned.

    Returns:
        The form, of use only without problems, and the problems, each a sentence.

    Example:
        >>> sentences = [{"text": "A {genuss}"}, {"text": "A {genus}"}]
        >>> parse_template({"columns": {"genus": "required"}, "sentences": sentences})[1]
        ["sentence 1: slot {genuss} names no column of `columns`; did you mean 'genus'?"]
    """
    if not isinstance(document, Mapping):
        return Form((), (), ()), [f"a template is a mapping with {_listed(_TOP_KEYS)}"]
    reader = _Reader()
    reader.check_keys("the file", document, _TOP_KEYS)
    reader.read_columns(document.get("columns"))
    reader.read_sentences(document.get("sentences"))
    form = Form(
        tuple(name for name, need in reader.columns.items() if need == "required"),
        tuple(name for name, need in reader.columns.items() if need == "optional"),
        tuple(reader.sentences),
    )
    if not reader.problems:
        reader.check_never_empty(form)
    return form, reader.problems


class _Reader:
    """Collects sentences and problems while it walks through the document."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.columns: dict[str, str] = {}
        self.sentences: list[Sentence] = []
        self._used: set[str] = set()

    def check_keys(self, where: str, mapping: Mapping[Any, Any], allowed: Sequence[str]) -> None:
        for key in mapping:
            if key not in allowed:
                self.problems.append(f"{where}: unknown key {key!r}{_nearest(key, allowed)}")

    def read_columns(self, columns: Any) -> None:
        if not isinstance(columns, Mapping) or not columns:
            self.problems.append("`columns` must map each column to `required` or `optional`")
            return
        for name, need in columns.items():
            self.columns[str(name)] = str(need)
            if need not in ("required", "optional"):
                self.problems.append(f"column {name!r} is {need!r}, not `required` or `optional`")

    def read_sentences(self, sentences: Any) -> None:
        if not isinstance(sentences, list) or not sentences:
            self.problems.append("`sentences` must list at least one sentence")
            return
        for number, entry in enumerate(sentences, 1):
            if isinstance(entry, Mapping):
                self._read_sentence(number, entry)
            else:
                self.problems.append(f"sentence {number} must be a mapping, not {entry!r}")
        for column in self.columns:
            if column not in self._used:
                self.problems.append(f"column {column!r} stands in no slot")

    def check_never_empty(self, form: Form) -> None:
        if not any(_is_sure(sentence, form.required) for sentence in form.sentences):
            self.problems.append(
                "a caption could be empty: one sentence needs probability 1, no `without`, and no "
                "slots but those of required columns in its parts of probability 1"
            )

    def _read_sentence(self, number: int, entry: Mapping[Any, Any]) -> None:
        name = str(entry.get("name", number))
        where = f"sentence {name}"
        self.check_keys(where, entry, _SENTENCE_KEYS)
        earlier = [sentence.name for sentence in self.sentences]
        if name in earlier:
            self.problems.append(f"{where}: another sentence has this name")
        if not isinstance(entry.get("shuffle", False), bool):
            self.problems.append(f"{where}: shuffle is {entry['shuffle']!r}, not true or false")
        self.sentences.append(
            Sentence(
                name=name,
                parts=self._parts(where, entry),
                probability=self._probability(where, entry.get("probability", 1.0)),
                given=self._given(where, entry.get("with", {}), earlier),
                without=self._without(where, entry.get("without", []), earlier),
                shuffle=bool(entry.get("shuffle", False)),
                end=str(entry.get("end", ".")),
            )
        )

    def _parts(self, where: str, entry: Mapping[Any, Any]) -> tuple[Part, ...]:
        if ("text" in entry) == ("parts" in entry):
            self.problems.append(f"{where}: needs either `text` or `parts`")
            return ()
        listed = entry["parts"] if "parts" in entry else [{"text": entry["text"]}]
        if not isinstance(listed, list) or not listed:
            self.problems.append(f"{where}: `parts` must list at least one part")
            return ()
        return tuple(self._part(where, part) for part in listed)

    def _part(self, where: str, part: Any) -> Part:
        if not isinstance(part, Mapping) or not isinstance(part.get("text"), str):
            self.problems.append(f"{where}: a part needs a `text` of words, got {part!r}")
            return Part(())
        self.check_keys(where, part, _PART_KEYS)
        probability = self._probability(where, part.get("probability", 1.0))
        return Part(self._pieces(where, part["text"]), probability)

    def _pieces(self, where: str, text: str) -> tuple[str | Slot, ...]:
        if "{" in _SLOT.sub("", text) or "}" in _SLOT.sub("", text):
            self.problems.append(f"{where}: braces of {text!r} do not pair up")
        pieces: list[str | Slot] = []
        for position, piece in enumerate(_SLOT.split(text)):
            if position % 2:
                pieces.append(self._slot(where, piece))
            elif piece:
                pieces.append(piece)
        return tuple(pieces)

    def _slot(self, where: str, text: str) -> Slot:
        column, *filters = (word.strip() for word in text.split("|"))
        self._used.add(column)
        if self.columns and column not in self.columns:
            hint = _nearest(column, tuple(self.columns))
            self.problems.append(f"{where}: slot {{{column}}} names no column of `columns`{hint}")
        for name in filters:
            if name not in FILTERS:
                self.problems.append(
                    f"{where}: unknown filter {name!r}{_nearest(name, tuple(FILTERS))}"
                )
        return Slot(column, tuple(filters))

    def _probability(self, where: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            self.problems.append(f"{where}: probability is {value!r}, not a number from 0 to 1")
            return 0.0
        return float(value)

    def _given(
        self, where: str, value: Any, earlier: Sequence[str]
    ) -> tuple[tuple[str, float], ...]:
        if not isinstance(value, Mapping):
            self.problems.append(f"{where}: `with` must map earlier sentences to probabilities")
            return ()
        self._check_earlier(where, "with", [str(name) for name in value], earlier)
        return tuple((str(name), self._probability(where, share)) for name, share in value.items())

    def _without(self, where: str, value: Any, earlier: Sequence[str]) -> tuple[str, ...]:
        names = [str(name) for name in value] if isinstance(value, list) else [str(value)]
        self._check_earlier(where, "without", names, earlier)
        return tuple(names)

    def _check_earlier(
        self, where: str, key: str, names: Sequence[str], earlier: Sequence[str]
    ) -> None:
        for name in names:
            if name not in earlier:
                hint = _nearest(name, earlier)
                self.problems.append(f"{where}: `{key}` names {name!r}, no earlier sentence{hint}")


def _is_sure(sentence: Sentence, required: Sequence[str]) -> bool:
    """Whether the sentence is told in every caption that has no other sentence."""
    if sentence.probability < 1 or sentence.without:
        return False
    sure = [part for part in sentence.parts if part.probability == 1]
    known = all(slot.column in required for part in sure for slot in part.slots)
    slotted = any(part.slots for part in sure) or not any(part.slots for part in sentence.parts)
    return bool(sure) and known and slotted


def _nearest(word: Any, allowed: Sequence[str]) -> str:
    near = get_close_matches(str(word), allowed, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {_listed(allowed)}"


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) if words else "none"
