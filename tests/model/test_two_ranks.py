"""Two gloo processes take the same step as one, and skip it together."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from streetclip.model.accumulate import Step, accumulate_plain
from streetclip.model.backbone import Backbone, create_backbone
from streetclip.model.loss import Contrast, clip_loss

pytestmark = pytest.mark.distributed

SCRIPT = Path(__file__).with_name("fit_ranks.py")


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory, tiny_plain: dict[str, Any]) -> list[Any]:
    """What both ranks saw in two short fits; processes are slow to start, so it runs once."""
    folder = tmp_path_factory.mktemp("ranks")
    config = folder / "tiny.json"
    config.write_text(json.dumps(tiny_plain), encoding="utf-8")
    source = SCRIPT.parents[2] / "src"
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": f"{source}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [sys.executable, *launcher, str(SCRIPT), str(config), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [torch.load(folder / f"rank{rank}.pt", weights_only=True) for rank in range(2)]


def _reference(backbone: Backbone, order: list[int], rows_in_pass: int) -> Contrast:
    """The first step's gradients of one process, with the rows of a pass of both ranks together."""
    batch = runpy.run_path(str(SCRIPT))["whole_batch"](backbone, 0)
    image, tokens = batch["image"][order], batch["tokens"][order]

    def contrast(image_features: Tensor, text_features: Tensor, _: slice) -> Contrast:
        return clip_loss(image_features, text_features, backbone.logit_scale)

    return accumulate_plain(
        Step(
            rows=len(order),
            micro_batch_size=rows_in_pass,
            encode_image=lambda part: backbone.encode_image(image[part]),
            encode_text=lambda part: backbone.encode_text(tokens[part]),
            contrast=contrast,
            backward=lambda loss, _: torch.autograd.backward(loss),
        )
    )


@pytest.mark.parametrize(
    ("fit", "order", "rows_in_pass", "negatives"),
    [
        ("whole", [0, 1, 2, 3, 4, 5, 6, 7], 8, 7),
        ("cached", [0, 1, 2, 3, 4, 5, 6, 7], 8, 7),
        ("plain", [0, 1, 4, 5, 2, 3, 6, 7], 4, 3),
    ],
)
def test_two_ranks_take_the_step_of_one(
    ranks: list[Any],
    tiny_file: Path,
    fit: str,
    order: list[int],
    rows_in_pass: int,
    negatives: int,
) -> None:
    backbone = create_backbone(str(tiny_file), seed=7).double()
    expected = _reference(backbone, order, rows_in_pass)
    first_steps = [rank[fit][0] for rank in ranks]
    for name, parameter in backbone.named_parameters():
        gradients = [step["gradients"][name] for step in first_steps]
        assert torch.equal(*gradients)
        assert gradients[0].dtype == torch.float64
        torch.testing.assert_close(gradients[0], parameter.grad, rtol=0, atol=1e-12)
    scales = [first_steps[0]["gradients"]["clip.logit_scale"], backbone.log_logit_scale.grad]
    assert scales[0] / scales[1] == pytest.approx(1, abs=1e-9)
    logged = first_steps[0]["logged"]
    assert logged == first_steps[1]["logged"]
    assert logged["train/loss"] == pytest.approx(expected.loss.item(), rel=1e-6)
    accuracy = expected.image_to_text_accuracy.item()
    assert logged["train/image_to_text_accuracy"] == pytest.approx(accuracy)
    assert logged["train/negatives"] == negatives
    assert logged["train/equal_caption_share"] == 0.25


@pytest.mark.parametrize(
    ("fit", "gathers", "sums"), [("whole", 3, 3), ("cached", 3, 3), ("plain", 5, 5)]
)
def test_each_gradient_is_averaged_once_a_step_and_features_are_gathered_once(
    ranks: list[Any], fit: str, gathers: int, sums: int
) -> None:
    for rank in ranks:
        for step in rank[fit]:
            assert set(step["reduced"].values()) == {1}
            assert step["buckets"] >= 1
            # Two of features and one of caption ids; two of their gradients and one of losses.
            assert step["messages"] == {"all_gather": gathers, "all_reduce": sums}
    assert ranks[0][fit][1]["buckets"] > 1, "a single bucket would prove little"


@pytest.mark.parametrize("fit", ["whole", "cached", "plain"])
def test_both_ranks_skip_a_step_that_is_bad_on_one(ranks: list[Any], fit: str) -> None:
    name = "clip.text_projection"
    for rank in ranks:
        first, second, third = (step["weights"] for step in rank[fit])
        assert not torch.equal(first[name], second[name])
        assert all(torch.equal(second[key], third[key]) for key in second)
        assert rank[fit][2]["global_step"] == 3
