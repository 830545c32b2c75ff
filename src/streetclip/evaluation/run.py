"""One benchmark run: weights, photographs and a protocol become a result; needs no Trainer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from streetclip.data.photos import PhotoDataset
from streetclip.errors import ResultError
from streetclip.evaluation.ceilings import with_nearest
from streetclip.evaluation.clip import ClipModel, device_of, evaluating, text_encoder
from streetclip.evaluation.matching import full_caption, match
from streetclip.evaluation.numbers import numbers_of
from streetclip.evaluation.photographs import Photographs, load, passes
from streetclip.evaluation.predictions import SeenPlaces, rows_of, table_of
from streetclip.evaluation.processes import Alone, Processes
from streetclip.evaluation.registry import facts_of
from streetclip.evaluation.result import Result
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
) -> Questions:
    """Encode the prompts of a protocol, each once.

    Args:
        model: Tokenizer and text tower.
        protocol: What to ask.
        candidates: Those of the protocol, if they are at hand; they do not depend on weights.
        batch_size: Prompts in one pass.
        between: Called before each pass; what it raises ends the work.

    Returns:
        What `evaluate` takes as `questions`, to evaluate several sets with the same weights.
    """
    places = build_candidates(protocol) if candidates is None else candidates
    with evaluating(model):
        encode = text_encoder(model, device_of(model))
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

    Returns:
        The result, with one prediction a readable photograph in the order of the set.

    Raises:
        ResultError: No photograph of the set can be read.
    """
    processes = Alone() if processes is None else processes
    n = len(shard_set)
    n = n if options.max_photos is None else min(n, options.max_photos)
    asked = questions or ask(model, protocol, batch_size=options.batch_size, between=between)
    with evaluating(model):
        session = _Session(model, asked, protocol, options, seen, min(options.matching_batch, n))
        rows, bad = session.run(shard_set, n, processes, between)
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
        clustered_by=clustered_by,
        decoding=protocol.decoding,
        inclusive=distance.inclusive,
        geoscore_rounded=distance.geoscore_rounded,
        missing=facts.missing,
        surplus=facts.surplus,
        set_photos=facts.set_photos,
        **vars(numbers),
    )


@dataclass
class _Session:
    """What the passes of one evaluation share."""

    model: ClipModel
    asked: Questions
    protocol: Protocol
    options: EvaluationOptions
    seen: SeenPlaces | None
    matching_batch: int

    def run(
        self,
        shard_set: ShardSet,
        n: int,
        processes: Processes,
        between: Callable[[], None] | None,
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The rows of this rank's photographs, and those of the unreadable ones."""
        dataset = PhotoDataset(shard_set, self.model.preprocess)
        # Whole matching batches go through the model together.
        size = max(self.options.batch_size // max(self.matching_batch, 1), 1) * self.matching_batch
        plan = passes(n, max(size, 1), rank=processes.rank, world=processes.world)
        rows: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        device = device_of(self.model)
        encode = text_encoder(self.model, device)
        for step, photographs in load(dataset, plan, workers=self.options.workers):
            if between is not None:
                between()
            answered = self._answer(photographs, device, encode)
            if step.counts:
                rows += answered
                bad += _unreadable(photographs)
        return rows, bad

    def _answer(
        self,
        photographs: Photographs,
        device: torch.device,
        encode: Callable[[Sequence[str]], Tensor],
    ) -> list[dict[str, Any]]:
        features = self.model.encode_image(photographs.image.to(device)).float()
        decoded = decode(
            features,
            self.asked.bank,
            self.asked.candidates,
            logit_scale=float(self.model.logit_scale),
            top_k=self.options.top_k,
        )
        captions = [full_caption(metadata) for metadata in photographs.metadata]
        captions = [
            None if error else caption
            for caption, error in zip(captions, photographs.errors, strict=True)
        ]
        matched = match(features, captions, encode, batch_size=self.matching_batch)
        return rows_of(
            photographs,
            decoded,
            matched,
            self.asked.candidates,
            seen=self.seen,
            radius_km=self.protocol.distance.radius_km,
            cluster=self.options.cluster,
        )


def _unreadable(photographs: Photographs) -> list[dict[str, Any]]:
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
