"""What was measured, and how to measure it again."""

import shlex
from dataclasses import dataclass

from streetclip.evaluation.registry import KNOWN_SETS
from streetclip.evaluation.result import Result

_WORDS = {
    "greedy": "the most probable country, then the most probable of its cities",
    "beam": "the most probable city together with its country, over the best countries",
    "expected": "the city with the best expectation under all probabilities",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what was measured.

    Args:
        label: What it is.
        text: What it says.
        digest: A digest that belongs to it; "" where there is none.
    """

    label: str
    text: str
    digest: str = ""


def facts(result: Result) -> list[Fact]:
    """Model, photographs and protocol of a result, with their digests.

    Args:
        result: Of an evaluation.

    Returns:
        Lines for a table.
    """
    decoding = result.decoding
    words = _WORDS.get(decoding.split(":")[0].split("_")[0], "")
    radius = "counts" if result.inclusive else "does not count"
    return [
        Fact("model", result.model, result.weights_digest),
        Fact("protocol", result.protocol, result.protocol_digest),
        Fact("decoding", f"{decoding}: {words}" if words else decoding),
        Fact("photographs", result.title, result.shard_set_digest),
        Fact("with a prediction", f"{len(result.predictions):,}"),
        Fact("not readable", f"{len(result.unreadable):,}"),
        Fact("missing from the disk or refused", f"{len(result.missing):,}"),
        Fact("on the disk, not in the table", f"{len(result.surplus):,}"),
        Fact("prompts", f"{result.prompts:,} distinct ones"),
        Fact("a radius", f"an error of exactly the radius {radius} as within it"),
        Fact("intervals", intervals(result)),
    ]


def intervals(result: Result) -> str:
    """How the intervals were made, in words.

    Args:
        result: Of an evaluation.

    Returns:
        A clause without a full stop.
    """
    drawn = f"{result.resamples:,} resamples, seed {result.seed}"
    if result.clusters:
        return (
            f"95 %, bootstrap over {result.clusters:,} groups of photographs"
            f" ({result.clustered_by}), {drawn}"
        )
    return f"95 %, bootstrap over photographs, {drawn}"


def shell_commands(result: Result) -> list[str]:
    """What to type to get the same numbers.

    Args:
        result: Of an evaluation.

    Returns:
        Commands with words in capitals that the reader replaces.
    """
    name = result.set_name
    source = f"{name.lower()}=PATH" if name.lower() in KNOWN_SETS else "PATH"
    measure = [
        "streetclip benchmark",
        "--model MODEL",
        f"--data {source}",
        f"--protocol {shlex.quote(_protocol(result))}",
        "--out NEW_FOLDER",
        f"bootstrap={result.resamples}",
        f"seed={result.seed}",
        f"cluster={shlex.quote(_cluster(result))}",
    ]
    return [" ".join(measure)]


def _protocol(result: Result) -> str:
    """The protocol with the decoding behind it, where it need not be the protocol's own."""
    if result.decoding == "greedy" or "+" in result.protocol:
        return result.protocol
    return f"{result.protocol}+{result.decoding}"


def _cluster(result: Result) -> str:
    """What the bootstrap was asked to draw together, as the option is called."""
    if not result.clusters:
        return "photo"
    # Photographers are what the option `auto` finds by itself.
    return "auto" if result.clustered_by == "photographer" else result.clustered_by
