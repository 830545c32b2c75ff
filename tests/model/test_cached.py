"""Cached accumulation has the gradients of the whole batch, whatever the number of passes."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from tests.model.conftest import CAPTIONS
from torch import Tensor, nn

from streetclip.model.accumulate import Step, accumulate_plain
from streetclip.model.backbone import Backbone
from streetclip.model.cached import accumulate_cached
from streetclip.model.loss import ClipLoss, Contrast
from streetclip.model.statistics import Statistics

Make = Callable[..., Backbone]
Gradients = dict[str, Tensor]
ROWS = 8


def _step(backbone: Backbone, micro: int | None, *, dtype: torch.dtype = torch.float64) -> Step:
    """Eight photographs of noise with captions, and an ordinary backward pass."""
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(ROWS, 3, 32, 32, generator=generator)
    tokens = backbone.tokenize([*CAPTIONS, *(f"town number {row}" for row in range(4))])
    loss = ClipLoss()

    def contrast(image: Tensor, text: Tensor, part: slice) -> Contrast:
        assert image.dtype == text.dtype == dtype
        return loss(image, text, backbone.logit_scale)  # type: ignore[no-any-return]

    return Step(
        rows=ROWS,
        micro_batch_size=micro,
        encode_image=lambda part: backbone.encode_image(image[part]),
        encode_text=lambda part: backbone.encode_text(tokens[part]),
        contrast=contrast,
        backward=lambda loss, _: torch.autograd.backward(loss),
    )


def _gradients(backbone: Backbone) -> Gradients:
    found = {n: p.grad.clone() for n, p in backbone.named_parameters() if p.grad is not None}
    backbone.zero_grad()
    return found


def _both(backbone: Backbone, micro: int, **options: Any) -> tuple[Gradients, Gradients]:
    """Gradients of the whole batch in one pass, and of several passes."""
    accumulate_plain(_step(backbone, None, **options))
    whole = _gradients(backbone)
    accumulate_cached(_step(backbone, micro, **options), scalars=backbone.scalars)
    return whole, _gradients(backbone)


def _difference(one: Gradients, other: Gradients) -> float:
    assert one.keys() == other.keys()
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.mark.parametrize("micro", [2, 3])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_in_fp64_every_gradient_is_that_of_the_whole_batch(
    make_backbone: Make, micro: int, checkpointing: bool
) -> None:
    backbone = make_backbone().double()
    if checkpointing:
        backbone.checkpoint_gradients()
    whole, cached = _both(backbone, micro)
    assert whole.keys() == dict(backbone.named_parameters()).keys()
    assert all(gradient.dtype == torch.float64 for gradient in cached.values())
    assert _difference(whole, cached) < 1e-12
    ratio = cached["clip.logit_scale"] / whole["clip.logit_scale"]
    assert abs(ratio.item() - 1) < 1e-9


def test_in_fp32_every_gradient_is_that_of_the_whole_batch(make_backbone: Make) -> None:
    backbone = make_backbone()
    # With gradients below 1, so that 1e-6 is some units of the last place.
    nn.init.ones_(backbone.log_logit_scale)
    whole, cached = _both(backbone, 3, dtype=torch.float32)
    assert max(float(gradient.abs().max()) for gradient in whole.values()) > 0.2
    assert _difference(whole, cached) < 1e-6


def test_plain_passes_have_another_gradient_and_another_one_of_the_scale(
    make_backbone: Make,
) -> None:
    backbone = make_backbone().double()
    whole, _ = _both(backbone, 2)
    accumulate_plain(_step(backbone, 2))
    plain = _gradients(backbone)
    assert _difference(whole, plain) > 1e-3
    assert abs(plain["clip.logit_scale"] / whole["clip.logit_scale"] - 1) > 1e-2


def test_the_result_is_that_of_the_whole_batch(make_backbone: Make) -> None:
    backbone = make_backbone().double()
    whole = accumulate_plain(_step(backbone, None))
    cached = accumulate_cached(_step(backbone, 3), scalars=backbone.scalars)
    assert abs(cached.loss - whole.loss) < 1e-12
    assert not cached.loss.requires_grad
    assert cached.negatives == whole.negatives == ROWS - 1
    assert cached.image_to_text_accuracy == whole.image_to_text_accuracy
    assert cached.text_to_image_accuracy == whole.text_to_image_accuracy


def test_under_autocast_weights_get_the_gradient_that_the_whole_batch_gives(
    make_backbone: Make,
) -> None:
    backbone = make_backbone()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        whole, cached = _both(backbone, 2, dtype=torch.float32)
    assert whole.keys() == cached.keys()
    for name, gradient in whole.items():
        # bf16 has 8 bits, and rounds the sum over the rows of each pass.
        assert float((gradient - cached[name]).norm()) < 0.1 * float(gradient.norm()), name


class _Watched(nn.Module):
    """Dropout whose masks are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.masks: list[Tensor] = []

    def forward(self, values: Tensor) -> Tensor:
        kept = (torch.rand_like(values) > 0.5).to(values.dtype)
        self.masks.append(kept)
        return values * kept


def test_both_runs_of_a_pass_draw_the_same_dropout_and_passes_differ(make_backbone: Make) -> None:
    backbone, seen = make_backbone().double(), _Watched()
    clip: Any = backbone.clip
    clip.visual.ln_post = nn.Sequential(clip.visual.ln_post, seen)
    torch.manual_seed(11)
    accumulate_cached(_step(backbone, 2), scalars=backbone.scalars)
    # Three passes without a graph, the first one once, and the three again.
    ahead, kept, again = seen.masks[:3], seen.masks[3], seen.masks[4:]
    assert len(again) == 3
    assert all(torch.equal(one, other) for one, other in zip(ahead, again, strict=True))
    assert not any(torch.equal(kept, one) for one in ahead)
    assert not torch.equal(ahead[0], ahead[1])


def test_with_dropout_the_gradient_is_that_of_one_graph_over_the_same_masks(
    make_backbone: Make,
) -> None:
    backbone = make_backbone(vision_cfg={"patch_dropout": 0.5}).double()
    step = _step(backbone, 2)
    torch.manual_seed(11)
    accumulate_cached(step, scalars=backbone.scalars)
    cached = _gradients(backbone)
    # The same masks without caching: in one graph, the first pass after the others.
    torch.manual_seed(11)
    first, *others = step.passes
    ahead = [step.encode_image(part) for part in others]
    image = torch.cat([step.encode_image(first), *ahead])
    text = step.encode_text(slice(0, ROWS))
    torch.autograd.backward(step.contrast(image, text, slice(0, ROWS)).loss)
    assert _difference(_gradients(backbone), cached) < 1e-12


RESNET = {"layers": [1, 1, 1, 1], "width": 4, "head_width": 16, "patch_size": None}


def test_running_statistics_move_once_a_pass_and_not_twice(make_backbone: Make) -> None:
    backbone = make_backbone(vision_cfg=RESNET).double()
    once = copy.deepcopy(backbone)
    with torch.no_grad():
        step = _step(once, 4)
        for part in step.passes:
            step.encode_image(part)
    before = Statistics(backbone)
    accumulate_cached(_step(backbone, 4), scalars=backbone.scalars, between=before.restore)
    moved = dict(backbone.named_buffers())
    counted = [v for name, v in moved.items() if name.endswith("num_batches_tracked")]
    assert counted
    assert all(value == 2 for value in counted)
    for name, value in once.named_buffers():
        torch.testing.assert_close(moved[name], value)


class _Counted:
    """Encodes, and remembers rows and whether a graph was made."""

    def __init__(self, encode: Callable[[slice], Tensor]) -> None:
        self.encode = encode
        self.calls: list[tuple[int, bool]] = []

    def __call__(self, part: slice) -> Tensor:
        self.calls.append((part.start, torch.is_grad_enabled()))
        return self.encode(part)


def _run(backbone: Backbone, micro: int | None) -> tuple[_Counted, _Counted, list[bool]]:
    lasts: list[bool] = []
    step = _step(backbone, micro)
    image, text = _Counted(step.encode_image), _Counted(step.encode_text)

    def backward(loss: Tensor, is_last: bool) -> None:
        lasts.append(is_last)
        torch.autograd.backward(loss)

    accumulate_cached(
        Step(ROWS, micro, image, text, step.contrast, backward), scalars=backbone.scalars
    )
    return image, text, lasts


@pytest.mark.parametrize("micro", [None, ROWS, 2 * ROWS])
def test_a_step_of_one_pass_has_no_second_forward_pass(
    make_backbone: Make, micro: int | None
) -> None:
    image, text, lasts = _run(make_backbone().double(), micro)
    assert image.calls == text.calls == [(0, True)]
    assert lasts == [True]


def test_each_pass_but_the_first_runs_twice_and_only_the_last_is_called_last(
    make_backbone: Make,
) -> None:
    image, text, lasts = _run(make_backbone().double(), 3)
    assert image.calls == text.calls == [(3, False), (6, False), (0, True), (3, True), (6, True)]
    assert lasts == [False, False, True]


def test_a_locked_tower_runs_once_and_gets_no_gradient(make_backbone: Make) -> None:
    backbone = make_backbone().double()
    clip: Any = backbone.clip
    clip.visual.requires_grad_(False)
    image, text, _ = _run(backbone, 2)
    assert [start for start, _ in image.calls] == [2, 4, 6, 0]
    assert [graph for _, graph in text.calls] == [False] * 3 + [True] * 4
    cached = _gradients(backbone)
    accumulate_plain(_step(backbone, None))
    assert _difference(_gradients(backbone), cached) < 1e-12
    assert not any(name.startswith("clip.visual.") for name in cached)


def _sets(backbone: Backbone) -> Iterable[nn.Parameter]:
    return (parameter for parameter in backbone.parameters() if parameter.requires_grad)


def test_every_trained_parameter_takes_part_in_the_last_pass(make_backbone: Make) -> None:
    backbone, touched = make_backbone().double(), list[set[int]]()
    current: set[int] = set()
    for parameter in _sets(backbone):
        hooked: Any = parameter
        hooked.register_post_accumulate_grad_hook(lambda p: current.add(id(p)))
    step = _step(backbone, 2)

    def backward(loss: Tensor, _: bool) -> None:
        current.clear()
        torch.autograd.backward(loss)
        touched.append(set(current))

    accumulate_cached(
        Step(ROWS, 2, step.encode_image, step.encode_text, step.contrast, backward),
        scalars=backbone.scalars,
    )
    scale = {id(backbone.log_logit_scale)}
    every = {id(parameter) for parameter in _sets(backbone)}
    assert touched[-1] == every
    assert touched[:-1] == [every - scale] * 3
