"""What is measured: models, their batches on the host, and how a step is done."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from streetclip.model.backbone import Backbone, create_backbone

TOKENS = 32
"""Of a caption, after padding: captions of the shipped templates have 25 on average."""

SMALL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 40, "width": 32, "heads": 2, "layers": 2},
}
"""A model for machines without a GPU, on which the bench runs but measures nothing of interest."""

ROWS = {"ViT-B-32": 1024, "ViT-L-14": 128, "ViT-L-14-336": 64}
"""Pairs in a step; without gradient checkpointing they fit into 80 GB."""

PEAK_TFLOPS = {"H200": 989, "H100": 989, "A100": 312, "L40S": 362, "L4": 121, "4090": 165}
"""Dense bf16 by the makers' data sheets; another device is measured by a product of matrices."""


@dataclass(frozen=True)
class Case:
    """One way to do a step.

    Args:
        model: A name of open_clip, or the path of a configuration.
        rows: Pairs in a step.
        compile: Blocks are compiled.
        checkpointing: Activations are computed again.
        micro: Rows of a pass of cached accumulation; None takes one pass.
    """

    model: str
    rows: int
    compile: bool = False
    checkpointing: bool = False
    micro: int | None = None

    @property
    def words(self) -> str:
        """For a line of the table."""
        parts = [Path(self.model).stem, f"{self.rows} pairs"]
        parts += ["compiled"] if self.compile else []
        parts += ["checkpointed"] if self.checkpointing else []
        parts += [f"cached in passes of {self.micro}"] if self.micro else []
        return ", ".join(parts)


def cases_of(model: str, rows: int, *, can_compile: bool) -> list[Case]:
    """The ways in which a model is measured; the first one is the one to compare with."""
    cases = [Case(model, rows), Case(model, rows, checkpointing=True)]
    cases.append(Case(model, rows, micro=max(1, rows // 4)))
    if can_compile:
        cases.append(Case(model, rows, compile=True))
        cases.append(Case(model, rows, compile=True, checkpointing=True))
    return cases


def write_small(folder: Path) -> str:
    """A configuration file of the small model."""
    path = folder / "small.json"
    path.write_text(json.dumps(SMALL))
    return str(path)


def backbone_of(case: Case) -> Backbone:
    """New weights, the same in each call."""
    return create_backbone(case.model, seed=0)


def batches_of(case: Case, backbone: Backbone, steps: int, *, tokens: int) -> list[dict[str, Any]]:
    """Batches of noise on the host, as the loader gives them: uint8, pinned where there is CUDA."""
    shape, generator = backbone.preprocess, torch.Generator().manual_seed(0)
    pixels = (case.rows, 3, shape.height, shape.width)
    ids = torch.zeros(case.rows, tokens, dtype=torch.long)
    ids[:, 0], ids[:, -2] = 49_406, 49_407
    ids[:, 1 : tokens - 2] = torch.randint(1, 9_000, (case.rows, tokens - 3), generator=generator)
    batches = []
    for step in range(steps):
        image = torch.randint(0, 256, pixels, generator=generator, dtype=torch.uint8)
        tensors = {"image": image, "tokens": ids, "caption_id": torch.arange(case.rows)}
        if torch.cuda.is_available():
            tensors = {name: tensor.pin_memory() for name, tensor in tensors.items()}
        keys = [str(row) for row in range(case.rows)]
        batches.append({**tensors, "keys": keys, "epoch": 0, "step": step})
    return batches
