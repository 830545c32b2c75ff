"""CLIP's byte-pair vocabulary as files: written for transformers, and compared with others'.

There is one vocabulary only, that of open_clip, which every model here reads with. A folder of
transformers that was made for another one would be fed wrong tokens, and is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from open_clip.tokenizer import SimpleTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
"""What transformers calls the two marks; open_clip has other words at the same places."""

_VERSION = "#version: 0.2"
_UNSET_LENGTH = 1_000_000
# Transformers writes about 1e30 where nobody has set a length.


@dataclass(frozen=True)
class Vocabulary:
    """Pieces of words and how they are put together.

    Args:
        ids: Piece to id.
        merges: Pairs of pieces, the first to be joined first.
    """

    ids: Mapping[str, int]
    merges: Sequence[tuple[str, str]]


@cache
def clip_vocabulary() -> Vocabulary:
    """The vocabulary of CLIP, with transformers' words for start and end.

    Example:
        >>> clip_vocabulary().ids["street</w>"], len(clip_vocabulary().ids)
        (2012, 49408)
    """
    tokenizer = SimpleTokenizer()
    marks = {tokenizer.sot_token_id: START, tokenizer.eot_token_id: END}
    ids = {marks.get(number, piece): number for piece, number in tokenizer.encoder.items()}
    merges = sorted(tokenizer.bpe_ranks.items(), key=lambda pair: pair[1])
    return Vocabulary(ids, [pair for pair, _ in merges])


def tokenizer_files(context_length: int) -> dict[str, str]:
    """The files from which transformers' `CLIPTokenizer` is made.

    Args:
        context_length: Tokens of the longest caption.

    Returns:
        File name to content.
    """
    vocabulary = clip_vocabulary()
    marks = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": context_length,
        "do_lower_case": True,
        "errors": "replace",
        "add_prefix_space": False,
        **marks,
    }
    merges = "\n".join([_VERSION, *(" ".join(pair) for pair in vocabulary.merges)])
    return {
        "vocab.json": json.dumps(vocabulary.ids, ensure_ascii=False),
        "merges.txt": merges + "\n",
        "special_tokens_map.json": json.dumps(marks, indent=2) + "\n",
        "tokenizer_config.json": json.dumps(config, indent=2) + "\n",
    }


def tokenizer_problems(folder: Path, context_length: int) -> list[str]:
    """What differs between the tokenizer files of a folder and CLIP's own; nothing where none lie.

    Args:
        folder: Of transformers.
        context_length: Of the model's configuration.

    Returns:
        One sentence a file.
    """
    problems = []
    for name, compare in (
        ("vocab.json", _vocab_problem),
        ("merges.txt", _merges_problem),
        ("tokenizer.json", _tokenizer_problem),
        ("tokenizer_config.json", lambda text: _length_problem(text, context_length)),
    ):
        path = folder / name
        if path.is_file():
            try:
                problem = compare(path.read_text(encoding="utf-8"))
            except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
                problem = f"it cannot be read: {error!r}"
            problems += [f"{name}: {problem}"] if problem else []
    return problems


def _vocab_problem(text: str) -> str | None:
    return _ids_problem(json.loads(text))


def _ids_problem(ids: Mapping[str, Any]) -> str | None:
    """Pieces are compared by their ids; what the two marks are called does not matter."""
    own = clip_vocabulary().ids
    marks = (own[START], own[END])
    theirs = {number: piece for piece, number in ids.items()}
    differing = [
        (piece, theirs.get(number))
        for piece, number in own.items()
        if theirs.get(number) != piece and not (number in marks and number in theirs)
    ]
    if not differing and len(ids) == len(own):
        return None
    if not differing:
        return f"it has {len(ids)} pieces, CLIP {len(own)}"
    piece, got = differing[0]
    return f"{len(differing)} of {len(own)} pieces differ, first {piece!r}: got {got!r}"


def _merges_problem(text: str) -> str | None:
    lines = text.split("\n")
    pairs = [tuple(line.split(" ")) for line in lines if line and not line.startswith("#version")]
    return _pairs_problem(pairs)


def _pairs_problem(pairs: Sequence[tuple[str, ...]]) -> str | None:
    own = clip_vocabulary().merges
    if len(pairs) != len(own):
        return f"it joins {len(pairs)} pairs, CLIP {len(own)}"
    wrong = next((at for at, pair in enumerate(pairs) if pair != own[at]), None)
    if wrong is None:
        return None
    return f"pair {wrong + 1} is {' '.join(pairs[wrong])!r}, not {' '.join(own[wrong])!r}"


def _tokenizer_problem(text: str) -> str | None:
    model = json.loads(text)["model"]
    pairs = [
        tuple(pair.split()) if isinstance(pair, str) else tuple(pair) for pair in model["merges"]
    ]
    return _ids_problem(model["vocab"]) or _pairs_problem(pairs)


def _length_problem(text: str, context_length: int) -> str | None:
    length = json.loads(text).get("model_max_length")
    if length is None or length > _UNSET_LENGTH or length == context_length:
        return None
    return f"model_max_length is {length}, the model's context {context_length}"
