import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tinyrun import MODEL

from streetclip.errors import ModelError, ModelMismatchError
from streetclip.model.backbone import Backbone, create_backbone
from streetclip.model.interpolate import check_alike, interpolated, interpolated_state
from streetclip.model.weights import weights_digest

Make = Callable[..., Backbone]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(seed: int, **changes: Any) -> Backbone:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps({**MODEL, **changes}))
        return create_backbone(str(path), seed=seed)

    return made


def test_the_ends_are_the_models_bit_by_bit(make: Make) -> None:
    start, tuned = make(1), make(2)
    with torch.no_grad():
        # A sum with zero would turn it into 0.0.
        start.get_parameter("clip.positional_embedding")[0] = -0.0
    for alpha, model in ((0.0, start), (1.0, tuned)):
        assert weights_digest(interpolated(start, tuned, alpha)) == weights_digest(model)


def test_every_weight_lies_on_the_line(make: Make) -> None:
    start, tuned = make(1), make(2)
    middle = interpolated(start, tuned, 0.3).state_dict()
    ends = start.state_dict(), tuned.state_dict()
    assert middle.keys() == ends[0].keys()
    for name, value in middle.items():
        expected = 0.7 * ends[0][name].double() + 0.3 * ends[1][name].double()
        assert torch.equal(value, expected.to(value.dtype)) or torch.allclose(
            value.double(), expected, rtol=1e-7, atol=1e-12
        )


def test_the_logit_scale_goes_by_equal_ratios(make: Make) -> None:
    start, tuned = make(1), make(2)
    start.log_logit_scale.data.fill_(torch.tensor(20.0).log())
    tuned.log_logit_scale.data.fill_(torch.tensor(80.0).log())
    assert float(interpolated(start, tuned, 0.5).logit_scale.detach()) == pytest.approx(
        40.0, rel=1e-6
    )


def test_neither_model_nor_random_numbers_change(make: Make) -> None:
    start, tuned = make(1), make(2)
    digests = [weights_digest(model) for model in (start, tuned)]
    before = torch.get_rng_state()
    blend = interpolated(start, tuned, 0.0)
    with torch.no_grad():
        blend.log_logit_scale.add_(1.0)
    assert [weights_digest(model) for model in (start, tuned)] == digests
    assert torch.equal(torch.get_rng_state(), before)
    assert not blend.training


def test_counts_are_those_of_the_nearer_end() -> None:
    start, tuned = {"n": torch.tensor(3)}, {"n": torch.tensor(9)}
    found = [int(interpolated_state(start, tuned, alpha)["n"]) for alpha in (0.0, 0.4, 0.6, 1.0)]
    assert found == [3, 3, 9, 9]


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_a_place_beyond_the_ends_is_refused(alpha: float) -> None:
    with pytest.raises(ModelError, match=r"alpha; got: .*; allowed: 0 \(the start\) to 1"):
        interpolated_state({}, {}, alpha)


def test_other_architectures_are_refused_with_all_that_differs(make: Make) -> None:
    other = make(2, embed_dim=24, quick_gelu=True)
    with pytest.raises(ModelMismatchError) as error:
        check_alike(make(1), other, ("old", "new"))
    text = str(error.value)
    assert "a line from old to new has 2 problems" in text
    assert "embed_dim is 16 in old and 24 in new" in text
    assert "quick_gelu is False in old and True in new" in text


def test_other_preprocessing_is_refused(make: Make) -> None:
    start, tuned = make(1), make(2)
    tuned.spec = replace(tuned.spec, preprocess=replace(tuned.preprocess, mean=(0.5, 0.5, 0.5)))
    with pytest.raises(
        ModelMismatchError, match=r"photographs are prepared as .* in a and .* in b"
    ):
        check_alike(start, tuned, ("a", "b"))


def test_other_weights_of_the_same_architecture_are_refused(make: Make) -> None:
    # The bias of a sigmoid loss is no part of what two architectures are compared by.
    other = make(2, init_logit_bias=-10.0)
    with pytest.raises(ModelMismatchError, match=r"weights of b, unknown: clip\.logit_bias"):
        check_alike(make(1), other, ("a", "b"))


def test_what_changes_nothing_may_differ(make: Make) -> None:
    vision = {**MODEL["vision_cfg"], "patch_dropout": 0.5}  # type: ignore[dict-item]
    check_alike(make(1), make(2, vision_cfg=vision), ("a", "b"))
