"""What the loader hands to the model: one rank's share of an optimiser step."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor
from torch.utils.data import default_collate

from streetclip.captions.synthesize import synthesize
from streetclip.captions.template import Template
from streetclip.data.decode import decode_image, random_crop
from streetclip.data.quarantine import BadSample
from streetclip.records import Preprocess
from streetclip.shards.read import RawSample
from streetclip.shards.sample import parse_metadata

Tokenize = Callable[[Sequence[str]], Tensor]


class Batch(TypedDict):
    """One rank's share of an optimiser step.

    `image` is uint8 [b, 3, h, w], `tokens` int64 [b, t], `caption_id` int64 [b] and equal for equal
    captions; `bad` lists photographs that could not be used, with their reasons.
    """

    image: Tensor
    tokens: Tensor
    caption_id: Tensor
    keys: list[str]
    captions: list[str]
    epoch: int
    step: int
    bad: NotRequired[list[BadSample]]


@dataclass(frozen=True)
class Example:
    """One photograph with the caption that was drawn for it."""

    key: str
    image: UInt8[Tensor, "3 h w"]
    caption: str


@dataclass(frozen=True)
class Recipe:
    """How a sample's bytes become an example.

    Args:
        preprocess: Height and width of the result.
        template: Writes the caption.
        scale_min: A random crop keeps at least this share of the area.
        flip: Mirror half of the photographs.
    """

    preprocess: Preprocess
    template: Template
    scale_min: float = 0.9
    flip: bool = False

    def make(
        self, raw: RawSample, *, caption_rng: np.random.Generator, crop_rng: np.random.Generator
    ) -> Example:
        """Decode, crop and caption one sample.

        Args:
            raw: Bytes of the photograph and of its metadata.
            caption_rng: Decides the caption.
            crop_rng: Decides crop and mirroring.

        Raises:
            SampleError: If photograph or metadata are bad.
        """
        # Metadata first: refusing a sample by them costs no decoding.
        caption = synthesize(self.template, parse_metadata(raw.metadata), caption_rng)
        image = random_crop(
            decode_image(raw.image),
            crop_rng,
            height=self.preprocess.height,
            width=self.preprocess.width,
            scale_min=self.scale_min,
            flip=self.flip,
        )
        return Example(raw.key, image, caption)

    def fingerprint(self) -> dict[str, object]:
        """What decides pixels and captions, in plain types."""
        return {
            "template": self.template.digest,
            "height": self.preprocess.height,
            "width": self.preprocess.width,
            "scale_min": self.scale_min,
            "flip": self.flip,
        }


def caption_id(text: str) -> int:
    """A number that is equal for equal captions, on any machine.

    Args:
        text: A caption.

    Returns:
        0 to 2**63 - 1.

    Example:
        >>> caption_id("in France") == caption_id("in " + "France")
        True
    """
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def collate(
    examples: Sequence[Example],
    tokenize: Tokenize,
    *,
    epoch: int,
    step: int,
    bad: Sequence[BadSample] = (),
) -> Batch:
    """Put examples into one batch.

    Args:
        examples: At least one.
        tokenize: Texts to int64 [n, t]; the rows of a batch are made together, so that they are as
            long as its longest caption needs.
        epoch: Of the batch.
        step: Of the batch within the epoch.
        bad: Photographs that could not be used.
    """
    captions = [example.caption for example in examples]
    return Batch(
        # In a loader process this writes into memory that the training process shares.
        image=default_collate([example.image for example in examples]),
        tokens=tokenize(captions),
        caption_id=torch.tensor([caption_id(caption) for caption in captions], dtype=torch.int64),
        keys=[example.key for example in examples],
        captions=captions,
        epoch=epoch,
        step=step,
        bad=list(bad),
    )
