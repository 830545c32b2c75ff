"""Whether a run that was resumed on this device ends in the bits of one that was not."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten

from gpu_parts.cases import TOKENS, Case, backbone_of, batches_of
from gpu_parts.ours import given, module_of, trainer_of


def differing(case: Case, *, device: str, steps: int, folder: Path) -> tuple[int, int]:
    """Train two epochs at once, and one and one after a restart.

    Args:
        case: How steps are done.
        device: `cpu` or `cuda`.
        steps: Of an epoch.
        folder: For the checkpoint.

    Returns:
        Tensors of the two last checkpoints (weights and optimizer) that differ in a bit, of how
        many.
    """
    batches = batches_of(case, backbone_of(case), steps, tokens=TOKENS)
    options: dict[str, Any] = {"deterministic": True, "log_every_n_steps": steps}
    middle = folder / "middle.ckpt"
    states: list[dict[str, Any]] = []
    for epochs, start in ((2, None), (1, None), (2, middle)):
        # As in a new process: no code of an earlier one, which was fitted to what it saw.
        torch._dynamo.reset()  # noqa: SLF001 - the documented place
        trainer = trainer_of(device, folder, max_epochs=epochs, **options)
        trainer.fit(module_of(case, steps=2 * steps), given(batches), ckpt_path=start)
        last = folder / ("end.ckpt" if epochs == 2 else middle.name)
        trainer.save_checkpoint(last)
        if epochs == 2:
            states.append(torch.load(last, weights_only=True, map_location="cpu"))
    pairs = list(zip(*(_tensors(state) for state in states), strict=True))
    return sum(not torch.equal(one, other) for one, other in pairs), len(pairs)


def _tensors(state: dict[str, Any]) -> list[Tensor]:
    leaves, _ = tree_flatten([state["state_dict"], state["optimizer_states"]])
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]
