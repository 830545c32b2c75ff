"""torch.compile for the blocks of the towers, so that training with it is still exact.

A tower is a row of equal blocks. They are compiled and not the tower, because one compiled block
serves all of its kind: a ViT-L-14 compiles one block a tower instead of 24 and 12, and what stands
between blocks (gradient checkpointing, dropped patches) stays as it is.

Every shape gets code of its own (`dynamic=False`). Code for any shape would be fitted to the shapes
that a process sees first, so that a resumed run would round differently. There are few shapes: a
pass has one number of rows, or two, and captions are padded to a multiple of 8 tokens.

Evaluation does not use the compiled code: a checkpoint must give the same result in the run and by
`streetclip benchmark`, and a set's last, shorter batches would each be compiled for one pass.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any, cast

import torch
from torch import nn

from streetclip.errors import ModelError

BLOCKS = ("resblocks", "blocks")
"""How open_clip and timm call a tower's row of blocks."""

MOST_VERSIONS = 128
"""Shapes and modes for which one block may be compiled: two towers, some numbers of rows, ten
lengths of captions, with and without gradient. torch's own limit of 8 would end in slow code."""

Which = Callable[[str], str | None]


def compile_blocks(clip: nn.Module) -> int:
    """Compile the blocks of both towers in place; names of parameters stay as they are.

    Nothing is compiled yet when this returns, but in the first training step.

    Args:
        clip: open_clip's model.

    Returns:
        How many blocks there are.
    """
    settings = cast(Any, torch._dynamo.config)  # noqa: SLF001 - the documented place
    settings.recompile_limit = max(settings.recompile_limit, MOST_VERSIONS)
    # Random numbers (dropout) as without compilation, so that a pass can be run again alike, and no
    # choice between kernels by a stop-watch, so that a resumed run has the same ones.
    options: dict[str, Any] = {"fallback_random": True}
    if hasattr(torch._inductor.config, "deterministic"):  # noqa: SLF001 - likewise
        options["deterministic"] = True
    blocks = [block for tower in _towers(clip) for block in _blocks(tower)]
    for block in blocks:
        block.compile(dynamic=False, options=options)
    return len(blocks)


def as_written(*, training: bool) -> AbstractContextManager[Any]:
    """Runs blocks as they are written, and compiled ones in training only.

    Args:
        training: Whether the model is in training mode.
    """
    return cast(
        AbstractContextManager[Any],
        torch.compiler.set_stance("default" if training else "force_eager"),
    )


def check_compiler(device: str, *, which: Which = shutil.which) -> None:
    """Find out before a run begins whether torch.compile has the compiler that it needs.

    Args:
        device: `cpu` or `cuda`.
        which: Finds a program.

    Raises:
        ModelError: There is none.
    """
    remedy = "install it, or set model.compile=false"
    if device == "cuda":
        if find_spec("triton") is None:
            raise ModelError("model.compile=true, but there is no triton", remedy=remedy)
        names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
        kind = "C"
    else:
        names = [os.environ.get("CXX", "g++")]
        kind = "C++"
    names = [name for name in names if name]
    if not any(which(name) for name in names):
        raise ModelError(
            f"model.compile=true, but there is no {kind} compiler",
            got="none of " + ", ".join(names),
            remedy=remedy,
        )


def _towers(clip: nn.Module) -> list[nn.Module]:
    model = cast(Any, clip)
    return [model.visual, model.text if hasattr(model, "text") else model.transformer]


def _blocks(tower: nn.Module) -> list[nn.Module]:
    """The blocks of a tower; a tower without any (a ResNet) is one itself."""
    rows = [row for name, row in tower.named_modules() if name.split(".")[-1] in BLOCKS]
    found = [block for row in rows for block in row.children()]
    return found or [tower]
