"""Results on the same photographs become one table of values and differences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from streetclip.evaluation.alignment import Aligned, ResultFolder, align
from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.labels import chosen, labels
from streetclip.evaluation.paired import Difference, paired
from streetclip.evaluation.registry import set_title
from streetclip.evaluation.result import Result
from streetclip.evaluation.significance import SIGNIFICANT


@dataclass(frozen=True)
class Entrant:
    """One result of a comparison.

    Args:
        label: What it is called.
        folder: Where it was read.
        digest: SHA-256 of its `results.json`.
        set_name: What it calls its photographs.
        model: Name of the model.
        weights_digest: Of its weights.
        protocol: Name of the protocol.
        protocol_digest: Of its resolved content.
        decoding: How the protocol chooses an answer.
        shard_set_digest: Of its photographs.
        photos: Photographs that it was asked for.
        unreadable: Those of them that could not be read.
        values: On the photographs of the comparison.
    """

    label: str
    folder: str
    digest: str
    set_name: str
    model: str
    weights_digest: str
    protocol: str
    protocol_digest: str
    decoding: str
    shard_set_digest: str
    photos: int
    unreadable: int
    values: Mapping[str, Estimate]


@dataclass(frozen=True)
class Pair:
    """Two results of a comparison.

    Args:
        first: What the one is called: the baseline, where there is one.
        second: What the other is called.
        differences: The second's values less the first's, by name of the value.
    """

    first: str
    second: str
    differences: Mapping[str, Difference]

    def better(self, name: str) -> str:
        """Which of the two is better at a value.

        Args:
            name: Of the value.

        Returns:
            What the better one is called; empty where no difference is shown.
        """
        winner = self.differences[name].better
        return {"first": self.first, "second": self.second}.get(winner, "")


@dataclass(frozen=True)
class Comparison:
    """Results on one set, with all that a table or a page shows of them.

    Args:
        set_name: What the first result calls the photographs.
        title: Of the set, with the number of photographs that all results have answered for.
        n: That number.
        clusters: Clusters that the bootstrap draws and the tests turn; 0 where photographs stand
            alone.
        clustered_by: What the photographs of a cluster share.
        baseline: What the result is called that the others are compared with; None where all
            are compared with each other.
        entrants: The results, in the order in which they were given.
        pairs: Every comparison of two.
        family: How many differences the p-values are adjusted for.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        notes: What a reader must know beside the numbers, one sentence each.
    """

    set_name: str
    title: str
    n: int
    clusters: int
    clustered_by: str
    baseline: str | None
    entrants: tuple[Entrant, ...]
    pairs: tuple[Pair, ...]
    family: int
    resamples: int
    seed: int
    notes: tuple[str, ...]


def compare(
    folders: Sequence[ResultFolder],
    *,
    baseline: str | None = None,
    resamples: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare results on the same photographs.

    Args:
        folders: Two or more, of one list of `alignment.by_set`.
        baseline: Which of them the others are compared with, by any of its names; None compares
            all with each other.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        Values, differences, and what a reader must know.

    Raises:
        InputError: The baseline is none of them.
        ResultError: They have no photograph in common.
    """
    called = labels(folders)
    base = None if baseline is None else chosen(baseline, folders, called)
    aligned = align(folders)
    numbers = list(_pairs(len(folders), base))
    found = paired(
        aligned.columns, numbers, clusters=aligned.clusters, resamples=resamples, seed=seed
    )
    pairs = tuple(
        Pair(called[first], called[second], differences)
        for (first, second), differences in zip(numbers, found.differences, strict=True)
    )
    first = folders[0].result
    return Comparison(
        set_name=first.set_name,
        title=_title([folder.result for folder in folders], aligned.n),
        n=aligned.n,
        clusters=_number(aligned),
        clustered_by=aligned.clustered_by,
        baseline=None if base is None else called[base],
        entrants=tuple(map(_entrant, folders, called, found.estimates)),
        pairs=pairs,
        family=sum(len(pair.differences) for pair in pairs),
        resamples=resamples,
        seed=seed,
        notes=tuple(_notes(folders, called, aligned, pairs, resamples, seed)),
    )


def _title(results: Sequence[Result], n: int) -> str:
    """The set and its common photographs; it says so where they are not all of the set."""
    whole = max(result.photos + len(result.missing) for result in results)
    first = results[0]
    return set_title(first.set_name, n, set_photos=first.set_photos, missing=whole - n)


def _number(aligned: Aligned) -> int:
    """How many clusters there are; 0 where photographs stand alone."""
    return 0 if aligned.clusters is None else int(aligned.clusters.max()) + 1


def _pairs(number: int, base: int | None) -> Iterator[tuple[int, int]]:
    if base is None:
        yield from combinations(range(number), 2)
    else:
        yield from ((base, other) for other in range(number) if other != base)


def _entrant(folder: ResultFolder, label: str, values: Mapping[str, Estimate]) -> Entrant:
    result = folder.result
    return Entrant(
        label=label,
        folder=folder.shown,
        digest=folder.digest,
        set_name=result.set_name,
        model=result.model,
        weights_digest=result.weights_digest,
        protocol=result.protocol,
        protocol_digest=result.protocol_digest,
        decoding=result.decoding,
        shard_set_digest=result.shard_set_digest,
        photos=result.photos,
        unreadable=len(result.unreadable),
        values=values,
    )


def _notes(
    folders: Sequence[ResultFolder],
    called: Sequence[str],
    aligned: Aligned,
    pairs: Sequence[Pair],
    resamples: int,
    seed: int,
) -> Iterator[str]:
    yield f"Photographs that all {len(folders)} results have answered for: {aligned.n:,}."
    yield from aligned.notes
    results = [folder.result for folder in folders]
    yield from _differing(results, called)
    drawn = "photographs"
    if _number(aligned):
        drawn = f"{_number(aligned):,} clusters of photographs of one {aligned.clustered_by}"
    yield (
        f"95 % intervals: paired bootstrap over {drawn}, the same {resamples:,} draws for all "
        f"models, seed {seed}."
    )
    turned = ", clusters turned as a whole" if _number(aligned) else ""
    yield (
        f"p: two-sided, for shares the mid-p value of McNemar's test{turned}; for median and "
        "GeoScore from the paired bootstrap."
    )
    yield from _family(pairs, resamples)


def _family(pairs: Sequence[Pair], resamples: int) -> Iterator[str]:
    tests = sum(len(pair.differences) for pair in pairs)
    values = max(len(pair.differences) for pair in pairs)
    yield (
        f"adjusted p: by Holm, over the family of all {tests} differences of this table "
        f"({values} values, {len(pairs)} {'pair' if len(pairs) == 1 else 'pairs'}). A difference "
        f"is called real if its adjusted p is at most {SIGNIFICANT} and its interval leaves out 0."
    )
    least = 2 * tests / (resamples + 1)
    if least > SIGNIFICANT:
        yield (
            f"{resamples:,} draws can show no adjusted p below {min(least, 1.0):.2f} for median "
            "and GeoScore if nothing else is significant; take more."
        )


def _differing(results: Sequence[Result], called: Sequence[str]) -> Iterator[str]:
    """What is not the same for all results, beside the weights."""
    settings = {
        "protocols": [f"{each.protocol} ({each.protocol_digest[:8]})" for each in results],
        "decodings": [each.decoding for each in results],
    }
    for what, values in settings.items():
        if len(set(values)) > 1:
            each = "; ".join(f"{name}: {value}" for name, value in zip(called, values, strict=True))
            yield f"The results differ in their {what}: {each}."
