"""The map of weights covers a model exactly, there and back, and names what does not fit."""

import pytest
import torch
from torch import Tensor

from streetclip.model.backbone import Backbone
from streetclip.model.hf_keys import Entry, differences, entries, to_open_clip, to_transformers

TABLE = entries(1, 2)


@pytest.fixture
def state(tiny: Backbone) -> dict[str, Tensor]:
    """The weights of the tiny model: one layer of images, two of texts."""
    return dict(tiny.clip.state_dict())


@pytest.fixture
def shapes(state: dict[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(value.shape) for name, value in state.items()}


def test_the_map_names_every_weight_of_open_clip_once(state: dict[str, Tensor]) -> None:
    ours = [entry.ours for entry in TABLE]
    assert sorted(ours) == sorted(state)
    theirs = [name for entry in TABLE for name in entry.theirs]
    assert len(theirs) == len(set(theirs))


def test_there_and_back_is_exact(state: dict[str, Tensor], shapes: dict[str, list[int]]) -> None:
    theirs = to_transformers(state, TABLE)
    assert differences(theirs, TABLE, shapes) == []
    again = to_open_clip(theirs, TABLE)
    assert again.keys() == state.keys()
    assert all(torch.equal(again[name], state[name]) for name in state)
    assert all(value.is_contiguous() for value in theirs.values())


def test_queries_keys_and_values_are_the_thirds_of_one_matrix() -> None:
    joined = torch.arange(12.0).view(6, 2)
    table = [Entry("in", ("q", "k", "v")), Entry("proj", ("p",), transposed=True)]
    theirs = to_transformers({"in": joined, "proj": joined}, table)
    assert theirs["q"].tolist() == [[0, 1], [2, 3]]
    assert theirs["v"].tolist() == [[8, 9], [10, 11]]
    assert theirs["p"].tolist() == [[0, 2, 4, 6, 8, 10], [1, 3, 5, 7, 9, 11]]


def test_everything_that_does_not_fit_is_named(
    state: dict[str, Tensor], shapes: dict[str, list[int]]
) -> None:
    theirs = to_transformers(state, TABLE)
    del theirs["logit_scale"], theirs["text_model.encoder.layers.1.mlp.fc1.bias"]
    theirs["text_model.encoder.layers.2.mlp.fc1.bias"] = torch.zeros(3)
    theirs["text_projection.weight"] = torch.zeros(32, 16)
    theirs["vision_model.post_layernorm.bias"] = torch.zeros(32, dtype=torch.int64)
    theirs["vision_model.embeddings.class_embedding"] = torch.zeros(32).to_sparse()
    problems = differences(theirs, TABLE, shapes)
    assert problems == [
        "text_projection.weight has shape [32, 16], not [16, 32]",
        (
            "vision_model.embeddings.class_embedding holds no plain fractions but torch.float32, "
            "torch.sparse_coo"
        ),
        "vision_model.post_layernorm.bias holds no plain fractions but torch.int64, torch.strided",
        "weights missing: logit_scale, text_model.encoder.layers.1.mlp.fc1.bias",
        "weights unknown: text_model.encoder.layers.2.mlp.fc1.bias",
    ]


def test_long_lists_of_names_are_cut_with_their_number(shapes: dict[str, list[int]]) -> None:
    (problem,) = differences({}, TABLE, shapes)
    assert problem.startswith("weights missing: logit_scale, visual_projection.weight, ")
    assert problem.endswith(f" and {sum(len(entry.theirs) for entry in TABLE) - 8} more")


def test_counted_positions_of_old_files_are_no_weights_but_others_are(
    state: dict[str, Tensor], shapes: dict[str, list[int]]
) -> None:
    theirs = to_transformers(state, TABLE)
    name = "text_model.embeddings.position_ids"
    theirs[name] = torch.arange(40).expand(1, -1)
    assert differences(theirs, TABLE, shapes) == []
    theirs[name] = torch.arange(40).flip(0)
    assert differences(theirs, TABLE, shapes) == [f"weights unknown: {name}"]
