"""What is refused and what is said about the passes of a step."""

from typing import Any

import pytest
from torch import nn

from streetclip.errors import ConfigError, PlanError
from streetclip.model.step_check import check_first_step, check_step, contradictions

SOUND: dict[str, Any] = {
    "clip_norm": 1.0,
    "micro_batch_size": 32,
    "max_logit_scale": 100.0,
    "accumulate": "cached",
    "negatives": "global",
}
TABLE: list[tuple[dict[str, Any], str]] = [
    ({"clip_norm": 0.0}, "optim.clip_norm is 0.0; allowed: above 0, or null"),
    ({"micro_batch_size": 0}, "data.micro_batch_size is 0; allowed: 1 or more, or null"),
    ({"max_logit_scale": 0.5}, "loss.max_logit_scale is 0.5; allowed: 1 or more"),
    ({"max_logit_scale": float("inf")}, "loss.max_logit_scale is inf; allowed: 1 or more"),
    ({"accumulate": "grad"}, "accumulate.mode is 'grad'; allowed: cached, plain"),
    ({"negatives": "local"}, "set loss.negatives=global, or accumulate.mode=plain, or unset"),
]


@pytest.mark.parametrize(("change", "message"), TABLE)
def test_each_impossible_value_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_step(**{**SOUND, **change})


def test_possible_values_pass() -> None:
    check_step(**SOUND)
    check_step(**{**SOUND, "clip_norm": None, "micro_batch_size": None, "max_logit_scale": 1.0})
    check_step(**{**SOUND, "negatives": "local", "accumulate": "plain"})


@pytest.mark.parametrize(
    ("accumulate", "negatives", "micro", "problems"),
    [
        ("cached", "global", 8, 0),
        ("cached", "local", None, 0),
        ("cached", "local", 8, 1),
        ("plain", "local", 8, 0),
    ],
)
def test_only_cached_passes_contradict_negatives_of_one_pass(
    accumulate: str, negatives: str, micro: int | None, problems: int
) -> None:
    found = contradictions(accumulate, negatives=negatives, micro_batch_size=micro)
    assert len(found) == problems


@pytest.mark.parametrize(
    ("ranks", "negatives", "seen"), [(1, "global", 31), (3, "global", 95), (3, "local", 31)]
)
def test_plain_passes_name_the_negatives_that_they_leave(
    ranks: int, negatives: Any, seen: int
) -> None:
    [said] = check_first_step(
        [384] * ranks,
        nn.Linear(1, 1),
        micro_batch_size=32,
        accumulate="plain",
        negatives=negatives,
    )
    # The paper's batch: 12 passes of 32 photographs on each of 3 GPUs.
    assert f"12 passes: a photograph is compared with {seen} other captions" in said
    assert f"the {384 * ranks - 1} of its batch" in said


@pytest.mark.parametrize(("micro", "said"), [(None, 0), (8, 0), (9, 0), (4, 1)])
def test_batch_normalization_is_only_spoken_of_where_passes_divide_a_batch(
    micro: int | None, said: int
) -> None:
    options: dict[str, Any] = {"micro_batch_size": micro, "accumulate": "cached"}
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    found = check_first_step([8], model, negatives="global", **options)
    assert len(found) == said
    assert all("sees the 4 photographs of one pass" in sentence for sentence in found)
    assert not check_first_step([8], model.eval(), negatives="global", **options)


def test_ranks_that_do_not_share_equally_are_refused() -> None:
    options: dict[str, Any] = {"micro_batch_size": None, "accumulate": "cached"}
    with pytest.raises(PlanError, match="batches of different sizes; got: 4, 3; allowed: as many"):
        check_first_step([4, 3], nn.Linear(1, 1), negatives="global", **options)
