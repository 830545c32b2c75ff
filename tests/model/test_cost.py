import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tests.tinyrun import MODEL
from torch import Tensor

from streetclip.model.backbone import Backbone, create_backbone
from streetclip.model.cost import Cost, count_cost
from streetclip.model.trainable import lock_towers

TOKENS = 24
VISION = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8}


@dataclass(frozen=True)
class Sizes:
    """Of a transformer, and of what leads into it and out of it."""

    rows: int
    width: int
    layers: int
    out: int
    patch_values: int = 0

    @property
    def patches(self) -> int:
        """Operations of the convolution that cuts patches; there is a row for the class too."""
        return 2 * (self.rows - 1) * self.patch_values * self.width

    @property
    def forward(self) -> int:
        """Each layer: four d x d products, two of d x 4d; queries with keys, weights with values.

        Only one row is projected at the end.
        """
        d, n = self.width, self.rows
        layer = 2 * n * (4 * d * d + 8 * d * d) + 2 * (2 * n * n * d)
        return self.patches + self.layers * layer + 2 * d * self.out


TINY_IMAGE = Sizes(rows=17, width=32, layers=1, out=16, patch_values=3 * 8 * 8)
TINY_TEXT = Sizes(rows=TOKENS, width=32, layers=1, out=16)


def _backbone(folder: Path, name: str | None = None, *, checkpointing: bool = False) -> Backbone:
    file = folder / "model.json"
    file.write_text(json.dumps(MODEL))
    with torch.device("meta"):
        return create_backbone(name or str(file), gradient_checkpointing=checkpointing)


def _cost(folder: Path, precision: str = "32-true", *, checkpointing: bool = False) -> Cost:
    backbone = _backbone(folder, checkpointing=checkpointing)
    return count_cost(backbone, tokens=TOKENS, precision=precision)


def test_operations_of_the_large_model_are_those_of_its_formula(tmp_path: Path) -> None:
    cost = count_cost(_backbone(tmp_path, "ViT-L-14-336"), tokens=77, precision="bf16-mixed")
    image = Sizes(rows=577, width=1024, layers=24, out=768, patch_values=3 * 14 * 14)
    text = Sizes(rows=77, width=768, layers=12, out=768)
    assert cost.image_flops == image.forward
    assert cost.text_flops == text.forward
    assert cost.image_flops / 1e9 == pytest.approx(382, abs=0.5)
    assert cost.text_flops / 1e9 == pytest.approx(13.3, abs=0.05)
    # The gradient of the photograph itself is not computed.
    assert cost.pass_flops == 3 * (image.forward + text.forward) - image.patches
    assert cost.again_flops == image.forward + text.forward
    assert cost.parameters == cost.trained == 427_944_193


def test_a_locked_tower_costs_its_forward_pass_alone(tmp_path: Path) -> None:
    backbone = _backbone(tmp_path)
    lock_towers(backbone, image=True, text=False)
    cost = count_cost(backbone, tokens=TOKENS)
    assert cost.pass_flops == TINY_IMAGE.forward + 3 * TINY_TEXT.forward
    assert cost.again_flops == TINY_TEXT.forward
    named = backbone.clip.named_parameters()
    image = sum(value.numel() for name, value in named if name.startswith("visual."))
    assert cost.trained == cost.parameters - image


def test_checkpointing_computes_more(tmp_path: Path) -> None:
    plain, saving = _cost(tmp_path), _cost(tmp_path, checkpointing=True)
    assert (saving.image_flops, saving.text_flops) == (plain.image_flops, plain.text_flops)
    # All of a layer is computed again but its last product, which nobody asks for.
    again = sum(
        size.forward - size.patches - 2 * size.rows * 4 * size.width**2 - 2 * size.width * size.out
        for size in (TINY_IMAGE, TINY_TEXT)
    )
    assert saving.pass_flops == plain.pass_flops + again


def test_checkpointing_holds_one_layer_at_a_time(tmp_path: Path) -> None:
    held = {
        (layers, checkpointing): _held(tmp_path, layers, checkpointing=checkpointing)
        for layers in (2, 6)
        for checkpointing in (False, True)
    }
    a_layer = (held[6, False] - held[2, False]) / 4
    # The inputs of all layers stay, 32 numbers of each row, and one layer is there as a whole.
    assert held[6, True] - held[2, True] == 4 * 4 * 32 * 17
    assert held[2, True] > a_layer > 4 * (held[6, True] - held[2, True]) / 4


def _held(folder: Path, layers: int, *, checkpointing: bool) -> int:
    file = folder / "deep.json"
    file.write_text(json.dumps(MODEL | {"vision_cfg": {**VISION, "layers": layers}}))
    return count_cost(
        _backbone(folder, str(file), checkpointing=checkpointing), tokens=TOKENS
    ).activation_bytes


def test_activations_are_what_a_real_pass_keeps_and_little_more(tmp_path: Path) -> None:
    counted = _cost(tmp_path).activation_bytes
    backbone = create_backbone(str(tmp_path / "model.json"), seed=1)
    kept = {rows: _really_kept(backbone, rows) for rows in (2, 4)}
    a_pair = (kept[4] - kept[2]) / 2
    # The gradient of the widest layer, 4 d of each row, is there beside what is kept.
    assert a_pair <= counted <= a_pair + 2 * 4 * 4 * 32 * (17 + TOKENS)


def _really_kept(backbone: Backbone, rows: int) -> int:
    tensors: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        tensors.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        image = backbone.encode_image(torch.zeros(rows, 3, 32, 32, dtype=torch.uint8))
        text = backbone.encode_text(torch.ones(rows, TOKENS, dtype=torch.int64))
    memories = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors}
    assert image.shape == text.shape
    return sum(memory.nbytes() for memory in memories.values())


def test_precision_decides_the_bytes_of_weights_and_activations(tmp_path: Path) -> None:
    full, mixed, half = (_cost(tmp_path, name) for name in ("32-true", "bf16-mixed", "bf16-true"))
    assert [cost.bytes_per_parameter for cost in (full, mixed, half)] == [4, 4, 2]
    matrices = sum(p.numel() for p in _backbone(tmp_path).parameters() if p.ndim > 1)
    assert [cost.cast_bytes for cost in (full, mixed, half)] == [0, 2 * matrices, 0]
    assert half.activation_bytes < mixed.activation_bytes < full.activation_bytes
    assert full.pass_flops == mixed.pass_flops == half.pass_flops


def test_convolutional_towers_are_counted_too(tmp_path: Path, repository: Path) -> None:
    name = str(repository / "experiments" / "models" / "tiny_resnet_64.json")
    cost = count_cost(_backbone(tmp_path, name), tokens=TOKENS)
    assert 2 * cost.image_flops < cost.pass_flops < 3.001 * (cost.image_flops + cost.text_flops)


@pytest.mark.slow  # a process of its own imports torch
def test_a_process_that_counted_can_still_fork_others_that_train() -> None:
    code = """
import os, torch
from streetclip.model.backbone import create_backbone
from streetclip.model.cost import count_cost

def backward():
    (torch.ones(2, requires_grad=True) * 2).sum().backward()

with torch.device("meta"):
    model = create_backbone("experiments/models/quickstart.json")
count_cost(model, tokens=8)
backward()
if (child := os.fork()) == 0:
    backward()
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (answer.returncode, answer.stdout) == (0, "7\n"), answer.stderr
