"""Which parameters decay, how the learning rate moves, and which values are refused."""

import math
from functools import partial
from typing import Any

import pytest
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from streetclip.errors import ConfigError
from streetclip.model.backbone import Backbone
from streetclip.model.depth import learning_rate_scale
from streetclip.model.optim import (
    Schedule,
    create_adamw,
    learning_rate_factor,
    parameter_groups,
    warmup_of,
)

GOOD: dict[str, Any] = {
    "lr": 1e-3,
    "weight_decay": 0.1,
    "beta1": 0.9,
    "beta2": 0.98,
    "eps": 1e-6,
}


def test_gains_biases_and_the_logit_scale_do_not_decay(tiny: Backbone) -> None:
    names = {parameter: name for name, parameter in tiny.named_parameters()}
    decayed, undecayed = parameter_groups(tiny.named_parameters(), weight_decay=0.1)
    assert (decayed["weight_decay"], undecayed["weight_decay"]) == (0.1, 0.0)
    assert len(decayed["params"]) + len(undecayed["params"]) == len(names)
    undecayed_names = {names[parameter] for parameter in undecayed["params"]}
    assert {"clip.logit_scale", "clip.visual.ln_pre.weight", "clip.visual.class_embedding"} <= (
        undecayed_names
    )
    assert "clip.transformer.resblocks.0.attn.in_proj_bias" in undecayed_names
    decayed_names = {names[parameter] for parameter in decayed["params"]}
    assert {"clip.token_embedding.weight", "clip.visual.conv1.weight"} <= decayed_names


def test_locked_parameters_are_in_no_group() -> None:
    layer = nn.Linear(2, 2)
    layer.weight.requires_grad_(False)
    groups = parameter_groups(layer.named_parameters(), weight_decay=0.1)
    assert [len(group["params"]) for group in groups] == [1]
    assert groups[0]["weight_decay"] == 0.0


def test_learning_rates_by_depth_have_groups_of_their_own_the_greatest_first(
    tiny: Backbone,
) -> None:
    scale = partial(learning_rate_scale, backbone=tiny, decay=0.5)
    optimizer = create_adamw(tiny, **GOOD, lr_scale=scale)
    rates = [group["lr"] for group in optimizer.param_groups]
    # Behind the blocks, the last block, before it, and the text tower's embeddings; each twice,
    # but for what lies before the blocks of the image tower, which has the rate of a text block.
    assert rates == [1e-3, 1e-3, 5e-4, 5e-4, 2.5e-4, 2.5e-4, 1.25e-4]
    assert [group["weight_decay"] > 0 for group in optimizer.param_groups] == [
        *(True, False, True, False, True, False),
        True,
    ]
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    assert count == len(list(tiny.parameters()))
    schedule = LambdaLR(optimizer, lambda step: 0.5**step)
    optimizer.step()
    schedule.step()
    assert [group["lr"] for group in optimizer.param_groups] == [rate / 2 for rate in rates]


def test_adamw_takes_the_values_it_is_given() -> None:
    optimizer = create_adamw(nn.Linear(2, 2), **GOOD)
    assert optimizer.defaults["betas"] == (0.9, 0.98)
    assert optimizer.defaults["eps"] == 1e-6
    assert optimizer.defaults["fused"] is True
    assert create_adamw(nn.Linear(2, 2), **GOOD, fused=False).defaults["fused"] is False


def test_all_impossible_values_are_named_together() -> None:
    values: dict[str, Any] = {**GOOD, "lr": -1.0, "beta2": 1.0, "eps": math.nan}
    with pytest.raises(ConfigError, match=r"(?s)3 problems.*optim.lr.*optim.beta2.*optim.eps"):
        create_adamw(nn.Linear(2, 2), **values)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("linear", {0: 0.25, 3: 1.0, 4: 1.0, 6: 0.5, 7: 0.25, 8: 0.0, 99: 0.0}),
        ("cosine", {0: 0.25, 3: 1.0, 4: 1.0, 5: (1 + math.sqrt(0.5)) / 2, 6: 0.5, 8: 0.0, 99: 0.0}),
        ("constant", {0: 0.25, 3: 1.0, 4: 1.0, 99: 1.0}),
    ],
)
def test_the_learning_rate_follows_the_table(kind: Schedule, table: dict[int, float]) -> None:
    factor = learning_rate_factor(kind, total_steps=8, warmup_steps=4)
    assert {step: factor(step) for step in table} == pytest.approx(table)


def test_no_warmup_begins_at_the_peak_and_warmup_may_be_the_whole_run() -> None:
    assert learning_rate_factor("linear", total_steps=3, warmup_steps=0)(0) == 1.0
    factor = learning_rate_factor("linear", total_steps=3, warmup_steps=3)
    assert [factor(step) for step in range(3)] == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_every_step_of_a_run_moves_weights() -> None:
    factor = learning_rate_factor("linear", total_steps=50, warmup_steps=5)
    assert min(factor(step) for step in range(50)) > 0


def test_warmup_in_steps_wins_over_its_share() -> None:
    assert warmup_of(100, steps=0, share=0.5) == 0
    assert warmup_of(100, steps=None, share=0.5) == 50


@pytest.mark.parametrize(
    ("kind", "total", "warmup", "message"),
    [
        ("step", 8, 0, "schedule is 'step'"),
        ("linear", 0, 0, "the run has 0 steps"),
        ("linear", 8, 9, "warm-up is 9 steps; allowed: 0 to 8"),
    ],
)
def test_impossible_schedules_are_refused(kind: Any, total: int, warmup: int, message: str) -> None:
    # The configuration checks the word before; here it must pass the type checker of the tests.
    unchecked = getattr(learning_rate_factor, "__wrapped__", learning_rate_factor)
    with pytest.raises(ConfigError, match=message):
        unchecked(kind, total_steps=total, warmup_steps=warmup)
