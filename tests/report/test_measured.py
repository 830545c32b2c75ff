"""A reader learns what was measured and what to type."""

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from streetclip.evaluation.result import Result
from streetclip.report.measured import facts, intervals, shell_commands


def test_digests_stand_beside_what_they_belong_to(make_result: Callable[..., Result]) -> None:
    told = {fact.label: fact for fact in facts(make_result(missing=("a", "b")))}
    assert told["model"].digest == "a" * 64
    assert told["protocol"].digest == "b" * 64
    assert told["photographs"].digest == "c" * 64
    assert told["missing from the disk or refused"].text == "2"


def test_a_radius_says_whether_its_edge_counts(make_result: Callable[..., Result]) -> None:
    said = [
        {fact.label: fact.text for fact in facts(make_result(inclusive=inclusive))}["a radius"]
        for inclusive in (True, False)
    ]
    assert said[0] != said[1]
    assert "does not count" in said[1]


def test_intervals_say_what_was_drawn(make_result: Callable[..., Result]) -> None:
    assert intervals(make_result()) == "95 %, bootstrap over photographs, 20 resamples, seed 0"
    grouped = intervals(make_result(clusters=1941, clustered_by="coordinates"))
    assert "over 1,941 groups of photographs (coordinates)" in grouped


def test_the_command_is_one_that_a_shell_takes(make_result: Callable[..., Result]) -> None:
    (command,) = shell_commands(make_result(set_name="IM2GPS", protocol="my protocol.yaml"))
    words = shlex.split(command)
    assert words[words.index("--data") + 1] == "im2gps=PATH"
    assert words[words.index("--protocol") + 1] == "my protocol.yaml"
    assert "seed=0" in words


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({}, "cluster=photo"),
        ({"clusters": 9, "clustered_by": "place"}, "cluster=place"),
        ({"clusters": 9, "clustered_by": "photographer"}, "cluster=auto"),
        ({"clusters": 9, "clustered_by": "user id"}, "cluster=user id"),
        ({"decoding": "beam"}, "paper+beam"),
        ({"decoding": "greedy"}, "paper"),
    ],
)
def test_the_command_repeats_what_was_drawn_together_and_how_answers_were_chosen(
    make_result: Callable[..., Result], changes: dict[str, Any], word: str
) -> None:
    (command,) = shell_commands(make_result(**changes))
    assert word in shlex.split(command)
