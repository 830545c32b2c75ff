from dataclasses import replace

import pytest

from streetclip.build.arithmetic import Batches
from streetclip.build.estimate import (
    Compute,
    Memory,
    compute_of,
    disk_of,
    input_of,
    memory_of,
    photo_ms,
    scene_kb,
)
from streetclip.model.cost import Cost

COST = Cost(
    parameters=100,
    trained=60,
    bytes_per_parameter=4,
    cast_bytes=120,
    image_flops=50,
    text_flops=10,
    pass_flops=180,
    again_flops=60,
    activation_bytes=1000,
    tokens=40,
)
# Forward and backward of a ViT-L-14-336 with captions of 32 tokens: 3 x (382 + 5.5) GFLOP.
LARGE = replace(COST, image_flops=int(382e9), text_flops=int(5.5e9), pass_flops=int(1162.5e9))
FOUR_PASSES = Batches(64, 2, 32, 8, 4, "cached", 64, 63)


def test_memory_adds_up_by_hand() -> None:
    memory = memory_of(COST, FOUR_PASSES, image_bytes=3, averages=True)
    assert memory == Memory(
        weights=400,
        gradients=240,
        buckets=240,
        optimizer=480,
        average=400,
        casts=120,
        activations=8000,
        photographs=96,
        # Two directions of 32 x 64 in fp32: similarities, softmax, gradient.
        logits=2 * 3 * 4 * 32 * 64,
    )
    assert memory.total == 400 + 240 + 240 + 480 + 400 + 120 + 8000 + 96 + 49152


def test_one_rank_has_no_buckets_and_plain_passes_have_small_logits() -> None:
    alone = replace(FOUR_PASSES, ranks=1, mode="plain", negatives=7)
    memory = memory_of(COST, alone, image_bytes=3, averages=False)
    assert (memory.buckets, memory.average) == (0, 0)
    assert memory.logits == 2 * 3 * 4 * 8 * 8


def test_the_largest_pass_is_what_is_left_beside_the_rest() -> None:
    memory = memory_of(COST, FOUR_PASSES, image_bytes=3, averages=True)
    rest = memory.total - memory.activations
    assert memory.most_rows(rest + 5999, 8) == 5
    assert memory.most_rows(rest - 1, 8) == 0
    assert replace(memory, activations=0).most_rows(rest, 8) == 8


def test_cached_passes_but_the_first_make_features_twice() -> None:
    several = compute_of(COST, FOUR_PASSES, steps=10, tflops=None, utilization=0.5)
    assert several == Compute(32 * 180 + 24 * 60, None, 0.5, None, None)
    for other in (replace(FOUR_PASSES, mode="plain"), replace(FOUR_PASSES, passes=1, pass_rows=32)):
        once = compute_of(COST, other, steps=10, tflops=None, utilization=0.5)
        assert once.step_flops == 32 * 180


@pytest.mark.parametrize(("utilization", "minutes"), [(0.45, 22.5), (0.55, 18.4)])
def test_hours_are_those_of_the_limits(utilization: float, minutes: float) -> None:
    # 1.1 M photographs three times on 8 GPUs of 790 TFLOP/s: 18 to 23 minutes.
    eight = Batches(2048, 8, 256, 256, 1, "cached", 64, 2047)
    steps = 3 * (1_100_000 // 2048)
    compute = compute_of(LARGE, eight, steps=steps, tflops=790, utilization=utilization)
    assert compute.hours is not None
    assert compute.hours * 60 == pytest.approx(minutes, abs=0.1)


def test_the_input_follows_the_arithmetic() -> None:
    # A GPU at half of its peak: 340 photographs, 52 MB a second.
    one = Batches(256, 1, 256, 256, 1, "cached", 64, 255)
    compute = compute_of(LARGE, one, steps=1, tflops=790, utilization=0.5)
    need = input_of(one, compute, photo_kb=153.0, photo_ms=5.0)
    assert need.photos_per_s == pytest.approx(340, abs=1)
    assert need.mb_per_s == pytest.approx(52, abs=0.1)
    assert need.cores == pytest.approx(1.7, abs=0.01)
    unknown = compute_of(LARGE, one, steps=1, tflops=None, utilization=0.5)
    assert input_of(one, unknown, photo_kb=153.0, photo_ms=5.0).cores is None


def test_sizes_between_the_measured_ones_lie_between_them() -> None:
    assert photo_ms(224) < photo_ms(256) < photo_ms(336) < photo_ms(378)
    assert scene_kb(128) < scene_kb(200) < scene_kb(256)


def test_a_checkpoint_holds_weights_averages_and_optimizer() -> None:
    memory = memory_of(COST, FOUR_PASSES, image_bytes=3, averages=True)
    disk = disk_of(memory, photos=1000, photo_kb=153.0, keep=2, keeps_best=True)
    assert (disk.shards, disk.checkpoint, disk.checkpoints) == (153_000_000, 1280, 4)
    assert disk_of(memory, photos=1, photo_kb=1.0, keep=3, keeps_best=False).checkpoints == 4
