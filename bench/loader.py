"""How fast batches are made: our planned loader against webdataset's own, on the same tars.

Question: does the plan, which can resume exactly, cost speed against an ordinary WebDataset loader?
Both decode, crop, caption and tokenize the same photographs. Rounds alternate in one process, so
that a busy machine slows both, and the median of the rounds' ratios is printed. Without workers the
speed is that of CPU time. Bar: a ratio of at least 1.0; the exit code is 1 below it. `make bench`
runs it as it is, and with two workers at 336 px.

    python bench/loader.py [--photos 600] [--rounds 3] [--workers 0] [--size 224] [--shards DIR]

Without `--shards` it writes JPEG photographs of 640 x 480 into tars of a temporary folder. About a
minute on one core.
"""

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import webdataset as wds
from PIL import Image
from torch.nn.functional import pad
from torchvision.transforms import InterpolationMode, v2

from streetclip.captions.synthesize import synthesize
from streetclip.captions.template import Template, load_template
from streetclip.data.batch import Tokenize
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet, is_shard_set, open_shard_set

BAR = 1.0
"""Our speed, of that of webdataset."""
BATCH_SIZE = 32
CONTEXT = 77


def write_photographs(folder: Path, photos: int, *, per_tar: int = 200) -> None:
    """Tars of smooth noise, which compresses about as well as a street scene."""
    rng = np.random.default_rng(0)
    with wds.ShardWriter(str(folder / "%06d.tar"), maxcount=per_tar, verbose=0) as tar:
        for number in range(photos):
            coarse = Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8))
            fine = rng.normal(0, 9, (480, 640, 3))
            pixels = np.asarray(coarse.resize((640, 480), Image.Resampling.BICUBIC)) + fine
            buffer = io.BytesIO()
            picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
            picture.save(buffer, "JPEG", quality=90)
            place = {"latitude": 48.0, "longitude": 2.0, "country": "FR", "town": f"T{number % 90}"}
            tar.write({"__key__": f"{number:06d}", "jpg": buffer.getvalue(), "json": place})


def peer_loader(
    shards: ShardSet, *, size: int, workers: int, template: Template, tokenize: Tokenize
) -> Iterable[Any]:
    """What webdataset's documentation shows: shuffled shards and samples, Pillow, torchvision."""
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, (0.9, 1.0), interpolation=InterpolationMode.BICUBIC),
            v2.PILToTensor(),
        ]
    )
    rng = np.random.default_rng(0)
    tars = [str(shards.path(number)) for number in range(len(shards.shards))]

    def prepare(sample: tuple[Image.Image, bytes]) -> tuple[Any, Any]:
        caption = synthesize(template, json.loads(sample[1]), rng)
        tokens = tokenize([caption])[0]
        # Our tokenizer pads to a multiple of 8; webdataset's collation wants rows of one length.
        return transform(sample[0]), pad(tokens, (0, CONTEXT - len(tokens)))

    dataset = (
        wds.WebDataset(tars, shardshuffle=len(tars), seed=0, empty_check=False)
        .shuffle(300)
        .decode(decode_jpg)
        .to_tuple("jpg", "json")
        .map(prepare)
        .batched(BATCH_SIZE, partial=False)
    )
    loader: Iterable[Any] = wds.WebLoader(dataset, batch_size=None, num_workers=workers)
    return loader


def decode_jpg(name: str, data: bytes) -> Any:
    """Only photographs are decoded; the JSON stays bytes for both sides' captions."""
    if not name.endswith("jpg"):
        return data
    return Image.open(io.BytesIO(data)).convert("RGB")


def our_loader(
    shards: ShardSet, *, size: int, workers: int, template: Template, tokenize: Tokenize
) -> Iterable[Any]:
    """The loader that training uses."""
    preprocess = Preprocess(size, size, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return StreetclipDataModule(
        shards,
        preprocess=preprocess,
        tokenize=tokenize,
        template=template,
        batch_size=BATCH_SIZE,
        workers=workers,
    ).train_dataloader()


def photographs_a_second(loader: Iterable[Any], photos: int, *, workers: int) -> float:
    """One epoch: by CPU time in this process, which others do not disturb, or by the clock."""
    clock = time.perf_counter if workers else time.process_time
    begin = clock()
    batches = sum(1 for _ in loader)
    assert batches == photos // BATCH_SIZE, f"{batches} batches of {photos} photographs"
    return batches * BATCH_SIZE / (clock() - begin)


def open_clip_tokenizer() -> Tokenize:
    """The tokenizer that training uses."""
    from streetclip.model.backbone import create_backbone

    return create_backbone("ViT-B-32").tokenize


def word_lengths(texts: Sequence[str]) -> torch.Tensor:
    """A tokenizer that costs nothing, so that only the pipeline is measured."""
    return torch.tensor([[len(text)] for text in texts])


def compare(shards: ShardSet, arguments: argparse.Namespace) -> float:
    """Alternate both loaders; print the ratio and return it."""
    tokenize = open_clip_tokenizer() if arguments.tokenizer == "open_clip" else word_lengths
    make: dict[str, Callable[..., Iterable[Any]]] = {"webdataset": peer_loader, "ours": our_loader}
    speeds: dict[str, list[float]] = {name: [] for name in make}
    for number in range(arguments.rounds):
        for name, loader in make.items():
            ready = loader(
                shards,
                size=arguments.size,
                workers=arguments.workers,
                template=load_template("street"),
                tokenize=tokenize,
            )
            speed = photographs_a_second(ready, len(shards), workers=arguments.workers)
            speeds[name].append(speed)
        print(f"round {number + 1}: " + ", ".join(f"{n} {s[-1]:.0f}/s" for n, s in speeds.items()))
    ratios = [b / a for a, b in zip(speeds["webdataset"], speeds["ours"], strict=True)]
    for name, values in speeds.items():
        print(f"{name:>10}: {statistics.median(values):6.0f} photographs/s")
    ratio = statistics.median(ratios)
    print(f"     ratio: {ratio:6.2f} x webdataset (median of {len(ratios)}; bar: {BAR})")
    return ratio


def missed(ratio: float) -> list[str]:
    """The bars that are not held, in words."""
    return [f"ratio {ratio:.2f} is below {BAR}"] if ratio < BAR else []


def main() -> int:
    """Make the shards if none are named, and compare; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--shards", type=Path)
    parser.add_argument("--tokenizer", choices=["none", "open_clip"], default="none")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if arguments.shards is None:
            write_photographs(Path(folder), arguments.photos)
            shards = index_shards(Path(folder))
        elif is_shard_set(arguments.shards):
            shards = open_shard_set(arguments.shards, split="train")
        else:
            shards = index_shards(arguments.shards)
        problems = missed(compare(shards, arguments))
    return say(problems)


def say(problems: Sequence[str]) -> int:
    """Print which bars are missed, and give the exit code."""
    for problem in problems:
        print(f"BAR MISSED: {problem}", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
