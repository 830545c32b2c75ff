"""One benchmark run: weights, photographs and a protocol become a result; needs no Trainer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from streetclip.data.photos import PhotoDataset
from streetclip.errors import ResultError
from streetclip.evaluation.ceilings import with_nearest
from streetclip.evaluation.clip import ClipModel, device_of, evaluating, text_encoder
from streetclip.evaluation.embedded import Embedded
from streetclip.evaluation.embedding import embed
from streetclip.evaluation.numbers import numbers_of
from streetclip.evaluation.predictions import SeenPlaces, rows_of, table_of
from streetclip.evaluation.processes import Alone, Processes
from streetclip.evaluation.registry import facts_of
from streetclip.evaluation.result import Result
from streetclip.evaluation.shelf import TextShelf
from streetclip.shards.layout import ShardSet
from streetclip.zeroshot.bank import TextBank, build_bank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import Protocol


@dataclass(frozen=True)
class EvaluationOptions:
    """How to evaluate, and what the result calls it.

    Args:
        set_name: Name of the photographs' set.
        model: Name of the model.
        weights_digest: Of the weights, from `model.weights`.
        batch_size: Photographs, and prompts, in one pass; rounded to whole matching batches.
        workers: Processes that read photographs ahead.
        max_photos: Only the first so many photographs of the set; None takes all.
        matching_batch: Photographs of a batch of the in-batch matching; 32 is what one GPU of the
            paper trained on.
        top_k: Countries that a prediction tells with their probabilities.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        precision: In which the towers compute, as the result tells it.
        cluster: Photographs that the bootstrap draws together: `auto` (those of a photographer if
            the set names any, else those of one place), `photo` (none), `place`, or those with the
            same entry in a column that the set declares.
    """

    set_name: str = "val"
    model: str = "model"
    weights_digest: str = ""
    batch_size: int = 128
    workers: int = 0
    max_photos: int | None = None
    matching_batch: int = 32
    top_k: int = 5
    resamples: int = 1000
    seed: int = 0
    precision: str = "32-true"
    cluster: str = "auto"


@dataclass(frozen=True)
class Questions:
    """What a protocol asks of certain weights; the same for every set of photographs.

    Args:
        candidates: The places.
        bank: Features of their prompts.
    """

    candidates: Candidates
    bank: TextBank


def ask(
    model: ClipModel,
    protocol: Protocol,
    *,
    candidates: Candidates | None = None,
    batch_size: int = 128,
    between: Callable[[], None] | None = None,
    shelf: TextShelf | None = None,
) -> Questions:
    """Encode the prompts of a protocol, each once.

    Args:
        model: Tokenizer and text tower.
        protocol: What to ask.
        candidates: Those of the protocol, if they are at hand; they do not depend on weights.
        batch_size: Prompts in one pass.
        between: Called before each pass; what it raises ends the work.
        shelf: Where the features of the prompts are looked up and kept; None computes them.

    Returns:
        What `evaluate` takes as `questions`, to evaluate several sets with the same weights.
    """
    places = build_candidates(protocol) if candidates is None else candidates
    with evaluating(model):
        device = device_of(model)
        encode = text_encoder(model, device)
        if shelf is not None:
            prompts = places.distinct_prompts
            encode = shelf.encoder(
                prompts, encode, device=device, batch_size=batch_size, between=between
            )
            between = None
        bank = build_bank(places, encode, batch_size=batch_size, between=between)
        return Questions(places, bank)


def evaluate(
    model: ClipModel,
    shard_set: ShardSet,
    protocol: Protocol,
    *,
    options: EvaluationOptions,
    processes: Processes | None = None,
    seen: SeenPlaces | None = None,
    questions: Questions | None = None,
    between: Callable[[], None] | None = None,
    embedded: Sequence[Embedded] | None = None,
) -> Result:
    """Answer for every photograph of a set where it was taken, and measure the answers.

    All processes call it and get the same result. Whether the weights are an average, and in
    which precision they compute, is the caller's business.

    Args:
        model: The two towers; their modes and the state of the random generators are kept.
        shard_set: The photographs.
        protocol: What to ask, and what counts as near.
        options: Sizes and names.
        processes: The processes that evaluate together; None is this one alone.
        seen: What training has shown; None where nobody knows.
        questions: From `ask`, for the same model and protocol; None asks now.
        between: Called before each pass, equally often on all processes; what it raises ends the
            evaluation.
        embedded: This process's part of the photographs, from `embed` for the same model, set and
            options; None embeds them now.

    Returns:
        The result, with one prediction a readable photograph in the order of the set.

    Raises:
        ResultError: No photograph of the set can be read.
    """
    processes = Alone() if processes is None else processes
    n = photographs_of(shard_set, options)
    asked = questions or ask(model, protocol, batch_size=options.batch_size, between=between)
    parts = embedded
    if parts is None:
        parts = embed(
            model,
            PhotoDataset(shard_set, model.preprocess),
            photos=n,
            batch_size=options.batch_size,
            matching_batch=min(options.matching_batch, n),
            workers=options.workers,
            processes=processes,
            between=between,
        )
    scale = float(model.logit_scale.detach())
    rows = [
        row
        for part in parts
        for row in _answer(part, asked, protocol, options, logit_scale=scale, seen=seen)
    ]
    bad = [row for part in parts for row in _unreadable(part)]
    rows = _in_order(rows, processes)
    bad = _in_order(bad, processes)
    counted = len({row["index"] for row in (*rows, *bad)})
    assert counted == len(rows) + len(bad) == n, f"{counted} of {n} photographs were counted"
    if not rows:
        raise ResultError(
            f"no photograph of '{options.set_name}' can be read",
            got=f"{n} photographs, the first: {bad[0]['reason'] if bad else 'none'}",
        )
    return _result(shard_set, protocol, options, asked, rows, bad)


def photographs_of(shard_set: ShardSet, options: EvaluationOptions) -> int:
    """How many photographs of a set are evaluated.

    Args:
        shard_set: All of them.
        options: With a limit, or none.
    """
    n = len(shard_set)
    return n if options.max_photos is None else min(n, options.max_photos)


def _result(
    shard_set: ShardSet,
    protocol: Protocol,
    options: EvaluationOptions,
    asked: Questions,
    rows: list[dict[str, Any]],
    bad: list[dict[str, Any]],
) -> Result:
    distance = protocol.distance
    table, clustered_by = table_of(rows, options.cluster)
    table = with_nearest(table, asked.candidates, radius_km=distance.radius_km)
    numbers = numbers_of(
        table,
        distance=distance,
        top_k=options.top_k,
        resamples=options.resamples,
        seed=options.seed,
    )
    photos = len(rows) + len(bad)
    facts = facts_of(shard_set, options.set_name)
    return Result(
        set_name=options.set_name,
        model=options.model,
        weights_digest=options.weights_digest,
        protocol=protocol.name,
        protocol_digest=protocol.digest,
        shard_set_digest=shard_set.digest,
        photos=photos,
        unreadable=tuple((row["key"], row["reason"]) for row in bad),
        outside_protocol=sum(row["country_asked"] is False for row in rows),
        unknown_country=sum(row["true_country"] is None for row in rows),
        prompts=asked.bank.prompts,
        matching_batch=min(options.matching_batch, photos),
        resamples=options.resamples,
        seed=options.seed,
        predictions=table,
        precision=options.precision,
        clustered_by=clustered_by,
        cluster=options.cluster,
        top_k=options.top_k,
        decoding=protocol.decoding,
        inclusive=distance.inclusive,
        geoscore_rounded=distance.geoscore_rounded,
        missing=facts.missing,
        surplus=facts.surplus,
        set_photos=facts.set_photos,
        **vars(numbers),
    )


def _answer(
    part: Embedded,
    asked: Questions,
    protocol: Protocol,
    options: EvaluationOptions,
    *,
    logit_scale: float,
    seen: SeenPlaces | None,
) -> list[dict[str, Any]]:
    with torch.inference_mode():
        decoded = decode(
            part.features.to(asked.bank.country_features.device),
            asked.bank,
            asked.candidates,
            logit_scale=logit_scale,
            top_k=options.top_k,
        )
    return rows_of(
        part,
        decoded,
        asked.candidates,
        seen=seen,
        radius_km=protocol.distance.radius_km,
        cluster=options.cluster,
    )


def _unreadable(photographs: Embedded) -> list[dict[str, Any]]:
    return [
        {"index": index, "key": key, "reason": error}
        for index, key, error in zip(
            photographs.index, photographs.keys, photographs.errors, strict=True
        )
        if error is not None
    ]


def _in_order(rows: list[dict[str, Any]], processes: Processes) -> list[dict[str, Any]]:
    """The rows of all processes in the order of the set."""
    gathered = [row for part in processes.gather(rows) for row in part]
    return sorted(gathered, key=lambda row: row["index"])
