"""A plan says what is measured, in which order and where, to every rank alike."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from streetclip.build.plan import Plan, PlannedModel, PlannedProtocol, PlannedSet

PLAN = Plan(
    out="results/mine",
    models=(PlannedModel("a.ckpt", "a", "0" * 64), PlannedModel("hf:b", "b", "1" * 64)),
    sets=(PlannedSet("im2gps", "shards/one"), PlannedSet("my set", "shards/two")),
    protocols=(PlannedProtocol("paper", "paper", "paper"),),
    max_photos=None,
    remote={"cache_gib": 1.0},
    finished=("results/mine/im2gps--a--paper",),
)


def test_combinations_go_set_by_set_and_model_by_model_into_folders_of_their_own() -> None:
    assert [item.folder for item in PLAN.combinations] == [
        Path("results/mine") / name
        for name in (
            "im2gps--a--paper",
            "im2gps--b--paper",
            "my-set--a--paper",
            "my-set--b--paper",
        )
    ]
    assert [item.model.label for item in PLAN.combinations] == ["a", "b", "a", "b"]


def test_a_single_combination_has_the_output_folder_for_itself() -> None:
    single = replace(PLAN, models=PLAN.models[:1], sets=PLAN.sets[:1])
    assert [item.folder for item in single.combinations] == [Path("results/mine")]


def test_what_one_rank_tells_the_others_is_the_same_plan() -> None:
    assert Plan.from_plain(json.loads(json.dumps(asdict(PLAN)))) == PLAN


@pytest.mark.parametrize(
    ("label", "name"), [("paper", "paper"), ("paper-0123abcd", "paper-0123abcd")]
)
def test_a_protocol_bears_its_label_where_another_has_its_name(label: str, name: str) -> None:
    assert PlannedProtocol("paper", "paper", label).load().name == name
