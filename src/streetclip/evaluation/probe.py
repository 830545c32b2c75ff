"""Zero-shot classification of a probe set: how many photographs a model still knows by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from streetclip.errors import ProbeError
from streetclip.evaluation.bootstrap import Estimate, Statistic, bootstrap, one_sided
from streetclip.evaluation.clip import ClipModel, device_of, evaluating, text_encoder
from streetclip.evaluation.embedding import embed
from streetclip.evaluation.probe_set import ProbeDataset, ProbeSet
from streetclip.evaluation.processes import Alone, Processes
from streetclip.evaluation.shelf import PhotoShelf, TextShelf
from streetclip.zeroshot.bank import announced, encode_distinct, ensemble

TOP_K = 5
UNREADABLE = -1
"""Instead of the rank of a photograph that cannot be read."""


@dataclass(frozen=True)
class ProbeResult:
    """What a model knows of a probe set.

    Args:
        digest: Of the probe set.
        labels: How many there are.
        prompts: Templates of the prompts.
        values: ``accuracy``, ``top5_accuracy`` where there are more than 5 labels, and
            ``forgotten``: by how much the accuracy of the start model is higher, on the same
            photographs, where that is known.
        ranks: Of each photograph, how many labels come before the right one; -1 where the
            photograph cannot be read.
        unreadable: Name and reason of those that cannot be read; they do not count.
    """

    digest: str
    labels: int
    prompts: tuple[str, ...]
    values: Mapping[str, Estimate]
    ranks: Int64[np.ndarray, " n"] = field(repr=False, compare=False)
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def plain(self) -> dict[str, Any]:
        """What JSON can hold, without the photographs one by one."""
        return {
            "probe_digest": self.digest,
            "labels": self.labels,
            "photos": len(self.ranks),
            "prompts": list(self.prompts),
            "values": {name: asdict(value) for name, value in self.values.items()},
            "unreadable": [{"name": name, "reason": reason} for name, reason in self.unreadable],
        }


def measure_probe(
    model: ClipModel,
    probe: ProbeSet,
    *,
    batch_size: int = 128,
    workers: int = 0,
    processes: Processes | None = None,
    between: Callable[[], None] | None = None,
    photo_shelf: PhotoShelf | None = None,
    text_shelf: TextShelf | None = None,
    on_photos: Callable[[int], None] | None = None,
    start: Int64[np.ndarray, " n"] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> ProbeResult:
    """Ask a model what the photographs of a probe set show.

    All processes call it and get the same result.

    Args:
        model: The two towers; their modes and the state of the random generators are kept.
        probe: From `probe_set.checked`.
        batch_size: Photographs, and prompts, in one pass.
        workers: Processes that read photographs ahead.
        processes: The processes that evaluate together; None is this one alone.
        between: Called before each pass, equally often on all processes; what it raises ends it.
        photo_shelf: Where features of photographs are looked up and kept; None computes all.
        text_shelf: Likewise of the prompts.
        on_photos: Called with the photographs of a pass that is done.
        start: Ranks of the start model on the same set; None where they are not known.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        The result.

    Raises:
        ProbeError: No photograph can be read any more.
    """
    processes = Alone() if processes is None else processes
    classes = label_features(
        model, probe, batch_size=batch_size, between=between, shelf=text_shelf
    ).cpu()
    parts = embed(
        model,
        ProbeDataset(probe, model.preprocess),
        photos=len(probe.photos),
        batch_size=batch_size,
        workers=workers,
        processes=processes,
        between=between,
        shelf=photo_shelf,
        on_photos=on_photos,
    )
    own = [
        (index, rank, error)
        for part in parts
        for index, rank, error in zip(
            part.index,
            ranks_of(part.features, classes, _labels(probe, part.index)).tolist(),
            part.errors,
            strict=True,
        )
    ]
    rows = sorted(row for rows in processes.gather(own) for row in rows)
    bad = tuple((probe.photos[index].name, error) for index, _, error in rows if error is not None)
    if len(bad) == len(rows):
        raise ProbeError(
            f"no photograph of the probe set {probe.folder} can be read any more",
            got=f"the first: {bad[0][1]}",
        )
    ranks = np.array([UNREADABLE if error else rank for _, rank, error in rows], dtype=np.int64)
    values = probe_values(
        ranks, labels=len(probe.labels), start=start, resamples=resamples, seed=seed
    )
    return ProbeResult(
        probe.digest, len(probe.labels), probe.templates, values, ranks, unreadable=bad
    )


def as_start(result: ProbeResult) -> ProbeResult:
    """The result of the model from which forgetting is counted: it has forgotten nothing.

    Args:
        result: Of the start model.
    """
    nothing = Estimate(0.0, result.values["accuracy"].n)
    return replace(result, values={**result.values, "forgotten": nothing})


def label_features(
    model: ClipModel,
    probe: ProbeSet,
    *,
    batch_size: int = 128,
    between: Callable[[], None] | None = None,
    shelf: TextShelf | None = None,
) -> Float[Tensor, "c d"]:
    """The features of the labels: those of their prompts, averaged.

    Args:
        model: Tokenizer and text tower.
        probe: Labels and templates.
        batch_size: Prompts in one pass.
        between: Called before each pass; what it raises ends the work.
        shelf: Where the features are looked up and kept; None computes them.

    Returns:
        One feature of length 1 for each label, in fp32.
    """
    groups = probe.prompts
    distinct = list(dict.fromkeys(text for group in groups for text in group))
    with evaluating(model):
        device = device_of(model)
        encode = text_encoder(model, device)
        if shelf is not None:
            encode = shelf.encoder(
                distinct, encode, device=device, batch_size=batch_size, between=between
            )
        elif between is not None:
            encode = announced(encode, between)
        table = encode_distinct(distinct, encode, batch_size=batch_size)
        row = {text: number for number, text in enumerate(distinct)}
        rows = torch.tensor([[row[text] for text in group] for group in groups])
        return ensemble(table[rows.to(table.device)])


def ranks_of(
    features: Float[Tensor, "n d"], classes: Float[Tensor, "c d"], labels: Int64[Tensor, " n"]
) -> Int64[Tensor, " n"]:
    """How many labels a model finds more fitting than the right one.

    Of two labels that fit equally the first comes first, as in an argmax, so that a model that
    answers the same for all photographs has no better accuracy than a guess.

    Args:
        features: Of photographs, of length 1.
        classes: Of labels, of length 1.
        labels: Of each photograph the number of the right label.

    Returns:
        0 where the right label is the answer.

    Example:
        >>> photographs = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
        >>> ranks_of(photographs, torch.eye(2), torch.tensor([0, 0])).tolist()
        [0, 1]
        >>> ranks_of(photographs, torch.ones(2, 2), torch.tensor([0, 1])).tolist()
        [0, 1]
    """
    # Autocast would round the scores to 8 bits, and the ties would decide.
    with torch.autocast(features.device.type, enabled=False):
        scores = features @ classes.T
    own = scores.gather(1, labels[:, None])
    earlier = torch.arange(len(classes), device=features.device) < labels[:, None]
    return ((scores > own) | ((scores == own) & earlier)).sum(dim=1)


def probe_values(
    ranks: Int64[np.ndarray, " n"],
    *,
    labels: int,
    start: Int64[np.ndarray, " n"] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Accuracy, and what was forgotten, with 95 % intervals of a bootstrap over photographs.

    Args:
        ranks: From `ranks_of`; -1 where a photograph cannot be read.
        labels: How many there are.
        start: Those of the start model on the same photographs; None where nobody knows them.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        ``accuracy``, ``top5_accuracy`` where there are more than 5 labels, ``forgotten`` where the
        start is known: the difference of both accuracies, of which every photograph is drawn for
        both at once. Where not one answer differs its interval is that of the share of photographs
        that would.

    Example:
        >>> found = probe_values(np.array([0, 3, 0, 1]), labels=4, start=np.array([0, 0, 0, 0]))
        >>> found["accuracy"].value, found["forgotten"].value
        (0.5, 0.5)
    """
    columns = {"accuracy": _right(ranks)}
    if labels > TOP_K:
        columns[f"top{TOP_K}_accuracy"] = _right(ranks, TOP_K)
    if start is not None:
        columns["forgotten"] = _right(start) - columns["accuracy"]
    statistics = {name: Statistic("mean", (name,)) for name in columns}
    values = bootstrap(columns, statistics, resamples=resamples, seed=seed)
    if start is not None and not np.nan_to_num(columns["forgotten"]).any():
        n = values["forgotten"].n
        room = one_sided(0.0, n)[1] if n else None
        low = None if room is None else -room
        values["forgotten"] = Estimate(0.0 if n else None, n, low, room)
    return values


def probe_logged(result: ProbeResult) -> dict[str, float]:
    """A result under the names of a run's log.

    Args:
        result: Of a probe set.

    Returns:
        ``probe/NAME`` to value, with ``probe/NAME_low`` and ``_high`` for the ends of intervals.
    """
    logged: dict[str, float] = {}
    for name, estimate in result.values.items():
        ends = {"": estimate.value, "_low": estimate.low, "_high": estimate.high}
        logged |= {f"probe/{name}{end}": v for end, v in ends.items() if v is not None}
    return logged


def _right(ranks: Int64[np.ndarray, " n"], k: int = 1) -> Float64[np.ndarray, " n"]:
    """1 where the right label is among the first k, 0 where not, NaN where nobody knows."""
    return np.where(ranks == UNREADABLE, np.nan, (ranks < k).astype(np.float64))


def _labels(probe: ProbeSet, index: Sequence[int]) -> Int64[Tensor, " n"]:
    return torch.tensor([probe.photos[number].label for number in index], dtype=torch.int64)
