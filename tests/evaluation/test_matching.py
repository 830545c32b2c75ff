"""Which caption of its batch belongs to a photograph."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from streetclip.evaluation.matching import full_caption, match

AXES = {"a": 0, "b": 1, "c": 2}


def encode(texts: Sequence[str]) -> Tensor:
    return torch.eye(3)[[AXES[text] for text in texts]]


@pytest.mark.parametrize(
    ("metadata", "caption"),
    [
        ({"country": "FR"}, "A Street View photo in France."),
        (
            {"country": "NL", "region": "X"},
            "A Street View photo in the region of X in the Netherlands.",
        ),
        ({"town": "Atlantis"}, None),
        ({}, None),
    ],
)
def test_a_caption_tells_all_that_is_known(metadata: dict[str, str], caption: str | None) -> None:
    assert full_caption(metadata) == caption


def test_only_captions_of_the_same_batch_compete() -> None:
    looks_like_c = torch.eye(3)[[2, 2]]
    # Alone with b, the photograph of a is as near to either; with c it would choose that.
    assert match(torch.eye(3)[[0, 2, 2]], ["a", "b", "c"], encode, batch_size=3) == [
        True,
        False,
        True,
    ]
    assert match(looks_like_c, ["c", "a"], encode, batch_size=2) == [True, False]


def test_a_rest_that_is_no_whole_batch_is_not_counted() -> None:
    features = torch.eye(3)
    assert match(features, ["a", "b", "c"], encode, batch_size=2) == [True, True, None]


def test_photographs_without_a_caption_are_not_counted() -> None:
    features = torch.eye(3)[[0, 1]]
    # With one caption there is nothing to choose from.
    assert match(features, ["a", None], encode, batch_size=2) == [None, None]
    assert match(features, ["a", "a"], encode, batch_size=2) == [None, None]
    assert match(features, [None, None], encode, batch_size=2) == [None, None]
