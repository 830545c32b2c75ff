"""What a reader should know of photographs that training has seen, in words and as a table."""

from collections.abc import Mapping
from typing import Any

from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.leak_facts import WITHOUT
from streetclip.evaluation.result import Result

# Above the cells of a row: those of the whole set, and those without what training has seen.
LEAK_HEAD = ("metric", "all photographs", "95 % interval", "without the leaked", "95 % interval")


def leak_sentences(leaks: Mapping[str, Any]) -> list[str]:
    """How many photographs of a set are in training too.

    Args:
        leaks: From `evaluation.leaks.leak_summary`.

    Returns:
        Sentences.

    Example:
        >>> said = {"photos": 200, "pictures": 3, "places": 8, "train_photos": 9000, "flat": 0}
        >>> said |= {"train_digest": "ab" * 32, "max_bits": 10, "max_meters": 25.0}
        >>> said |= {"unreadable": 0, "train_unreadable": 0}
        >>> print(leak_sentences(said)[0])
        3 of 200 photographs (1.5 %) are the same picture as one of 9,000 training photographs.
    """
    n = leaks["photos"]

    def share(count: int) -> str:
        return f"{count:,} of {n:,} photographs ({100 * count / max(n, 1):.1f} %)"

    train, digest = f"{leaks['train_photos']:,} training photographs", leaks["train_digest"][:16]
    near = f"lie within {leaks['max_meters']:g} m of a training photograph"
    hashes = f"two perceptual hashes, each of which may differ in {leaks['max_bits']} of 64 bits"
    lines = [
        f"{share(leaks['pictures'])} are the same picture as one of {train}.",
        f"{share(leaks['places'])} {near}, which need not be the same picture.",
        f"Compared with shard set `{digest}`: {hashes}.",
    ]
    counts = {
        "too plain to be told apart; not compared": leaks["flat"],
        "not readable; not compared": leaks["unreadable"],
        "of training not readable; not compared": leaks["train_unreadable"],
    }
    return lines + [f"Photographs {what}: {count:,}." for what, count in counts.items() if count]


def leak_rows(result: Result) -> list[tuple[str, Estimate, Estimate]]:
    """The values of a result beside those without the photographs that training has seen.

    Args:
        result: With leaks, or without.

    Returns:
        Name, value on all photographs, value without; empty where nobody has looked, or where no
        photograph counts.
    """
    pairs = [
        (name, result.values[name], Estimate(**value))
        for name, value in result.leaks.get(WITHOUT, {}).items()
        if name in result.values
    ]
    return [pair for pair in pairs if pair[1].value is not None]
