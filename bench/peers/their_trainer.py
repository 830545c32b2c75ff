"""The peer's side of `trainer.py`: an epoch of open_clip 3.3.0's trainer, as in its `main`."""

import argparse
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip_train.data import DataInfo
from open_clip_train.params import parse_args
from open_clip_train.scheduler import cosine_lr
from open_clip_train.train import train_one_epoch
from peers import their_loader
from peers.contestant import answer
from peers.spent import measured


class Kept:
    """Batches in memory, in the form of the peer's loader."""

    def __init__(self, loader: Any) -> None:
        self.batches = list(loader)
        self.num_batches, self.num_samples = loader.num_batches, loader.num_samples

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


def adamw(model: torch.nn.Module, options: argparse.Namespace) -> torch.optim.AdamW:
    """The optimizer of open_clip's `main`: no decay for gains, biases and the logit scale."""
    groups: dict[bool, list[torch.nn.Parameter]] = {True: [], False: []}
    for name, parameter in model.named_parameters():
        plain = parameter.ndim < 2 or any(word in name for word in ("bn", "ln", "bias"))
        groups[plain or "logit_scale" in name].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": groups[True], "weight_decay": 0.0},
            {"params": groups[False], "weight_decay": options.wd},
        ],
        lr=options.lr,
        betas=(options.beta1, options.beta2),
        eps=options.eps,
    )


def main() -> None:
    """Answer: `epoch` trains one epoch and saves a checkpoint."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tars", type=Path)
    parser.add_argument("--photos", type=int, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--in-memory", action="store_true")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    options = parse_args(["--model", "ViT-B-32", "--precision", "fp32", "--grad-clip-norm", "1.0"])
    vars(options).update(
        {"batch_size": chosen.batch_size, "device": "cpu", "distill": False, "rank": 0},
        world_size=1,
        local_rank=0,
        distributed=False,
        lr=1e-6,
        wandb=False,
        accum_freq=1,
    )
    open_clip.add_model_config(chosen.model)
    model = open_clip.create_model(chosen.model.stem, output_dict=True)
    size = model.visual.image_size[0]
    loader = their_loader.loader(
        chosen.tars,
        chosen.photos,
        size=size,
        batch_size=chosen.batch_size,
        workers=0,
        context=model.context_length,
    )
    loader = Kept(loader) if chosen.in_memory else loader
    optimizer = adamw(model, options)
    scheduler = cosine_lr(optimizer, options.lr, 1, 3 * loader.num_batches)
    loss = open_clip.ClipLoss(cache_labels=True)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().addHandler(logging.NullHandler())

    def train() -> None:
        shared = type("Epoch", (), {"set_value": lambda self, value: None})()
        data = {"train": DataInfo(loader, shared_epoch=shared)}
        train_one_epoch(model, data, loss, 0, optimizer, None, scheduler, None, options)
        with tempfile.TemporaryDirectory() as folder:
            state = {"state_dict": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({"epoch": 1, "name": "bench", **state}, f"{folder}/epoch_1.pt")

    answer({"epoch": lambda: measured(train)})


if __name__ == "__main__":
    main()
