"""The peer's side of `loader.py`: open_clip 3.3.0's own training loader, unchanged."""

import argparse
import itertools
import logging
from pathlib import Path
from typing import Any

import open_clip
import open_clip_train.data as peer
import torch
from peers.contestant import answer
from peers.spent import measured, memory_mib


def loader(
    tars: Path, photos: int, *, size: int, batch_size: int, workers: int, context: int = 77
) -> Any:
    """What `python -m open_clip_train.main` trains from, with its default augmentation."""
    names = sorted(tars.glob("*.tar"))
    arguments = argparse.Namespace(
        train_data=f"{tars}/{{{names[0].stem}..{names[-1].stem}}}.tar",
        train_num_samples=photos,
        train_data_upsampling_factors=None,
        dataset_resampled=False,
        seed=0,
        world_size=1,
        batch_size=batch_size,
        workers=workers,
    )
    transform = open_clip.image_transform(size, is_train=True)
    tokenizer = open_clip.get_tokenizer("ViT-B-32", context_length=context)
    data = peer.get_wds_dataset(arguments, transform, True, tokenizer=tokenizer)
    return data.dataloader


def main() -> None:
    """Answer: `epoch` reads one epoch; `memory` tells what a loader with full buffers holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tars", type=Path)
    parser.add_argument("--photos", type=int, required=True)
    parser.add_argument("--size", type=int, default=336)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--memory-batches", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable()
    if chosen.memory_batches:
        # Full from the first batch on, where they would fill up over 4,000 photographs a worker.
        vars(peer).update(_SAMPLE_SHUFFLE_INITIAL=vars(peer)["_SAMPLE_SHUFFLE_SIZE"])
    before = memory_mib()
    batches = loader(
        chosen.tars,
        chosen.photos,
        size=chosen.size,
        batch_size=chosen.batch_size,
        workers=chosen.workers,
    )

    def epoch() -> dict[str, float]:
        counted: list[int] = []
        spent = measured(lambda: counted.extend(len(images) for images, _ in batches))
        return {**spent, "photos": sum(counted)}

    def memory() -> dict[str, float]:
        held = [memory_mib() for _ in itertools.islice(batches, chosen.memory_batches)]
        return {"grown_mib": max(held) - before}

    answer({"epoch": epoch, "memory": memory})


if __name__ == "__main__":
    main()
