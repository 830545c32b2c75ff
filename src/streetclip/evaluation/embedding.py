"""Photographs of a set go through the image tower, once for all protocols."""

from collections.abc import Callable, Sequence

from streetclip.evaluation.clip import ClipModel, device_of, evaluating, text_encoder
from streetclip.evaluation.embedded import Embedded
from streetclip.evaluation.matching import full_caption, match
from streetclip.evaluation.photographs import Pass, Photographs, PhotoSource, load, passes
from streetclip.evaluation.processes import Alone, Processes
from streetclip.evaluation.shelf import PhotoShelf


def embed(
    model: ClipModel,
    dataset: PhotoSource,
    *,
    photos: int,
    batch_size: int,
    matching_batch: int = 1,
    workers: int = 0,
    processes: Processes | None = None,
    between: Callable[[], None] | None = None,
    shelf: PhotoShelf | None = None,
    on_photos: Callable[[int], None] | None = None,
) -> list[Embedded]:
    """What a model sees in this process's photographs, pass by pass.

    Args:
        model: The two towers; their modes and the state of the random generators are kept.
        dataset: The photographs, resized to what the model expects, in shards or not.
        photos: Only the first so many.
        batch_size: Photographs of a pass; rounded to whole matching batches.
        matching_batch: Photographs of a batch of the in-batch matching; those without a country are
            not matched.
        workers: Processes that read ahead.
        processes: Those that embed together; None is this one alone.
        between: Called before each pass, equally often on all processes if there is no shelf.
        shelf: Where passes are looked up and kept; None computes all.
        on_photos: Called with the photographs of a pass that is done.

    Returns:
        The passes of this process that count, in the order of the dataset.
    """
    processes = Alone() if processes is None else processes
    size = pass_size(batch_size, matching_batch)
    plan = passes(photos, size, rank=processes.rank, world=processes.world)
    found = {} if shelf is None else _kept(shelf, plan)
    # A model that is spread over processes needs all of them in each pass; one with a shelf is not.
    todo = [step for step in plan if step not in found and (shelf is None or step.counts)]
    if on_photos is not None and found:
        on_photos(sum(len(part) for part in found.values()))
    with evaluating(model):
        for step, photographs in load(dataset, todo, workers=workers) if todo else ():
            if between is not None:
                between()
            seen = _see(model, photographs, matching_batch)
            if step.counts:
                found[step] = seen
            if step.counts and shelf is not None and not seen.may_be_better_next_time:
                shelf.keep(step, seen)
            if step.counts and on_photos is not None:
                on_photos(len(seen))
    return [found[step] for step in plan if step.counts]


def pass_size(batch_size: int, matching_batch: int) -> int:
    """Photographs of a pass: whole matching batches go through the model together.

    Args:
        batch_size: What was asked for.
        matching_batch: Photographs of a matching batch.

    Example:
        >>> pass_size(100, 32), pass_size(16, 32), pass_size(8, 0)
        (96, 32, 8)
    """
    return max(batch_size // max(matching_batch, 1), 1) * max(matching_batch, 1)


def _kept(shelf: PhotoShelf, plan: Sequence[Pass]) -> dict[Pass, Embedded]:
    steps = [step for step in plan if step.counts]
    whole = shelf.whole()
    if whole is not None:
        return {step: whole.rows(step.indices[0], step.indices[-1] + 1) for step in steps}
    return {step: part for step in steps if (part := shelf.part(step)) is not None}


def _see(model: ClipModel, photographs: Photographs, matching_batch: int) -> Embedded:
    device = device_of(model)
    features = model.encode_image(photographs.image.to(device)).float()
    captions = [
        None if error else full_caption(metadata)
        for metadata, error in zip(photographs.metadata, photographs.errors, strict=True)
    ]
    encode = text_encoder(model, device)
    matched = match(features, captions, encode, batch_size=matching_batch)
    return Embedded(
        index=photographs.index,
        keys=photographs.keys,
        metadata=photographs.metadata,
        errors=photographs.errors,
        features=features.cpu(),
        matched=tuple(matched),
    )
