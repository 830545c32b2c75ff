"""Results of a comparison have short names that differ."""

from pathlib import Path
from typing import Any

import pytest
from tests.tinyresults import planted

from streetclip.errors import InputError
from streetclip.evaluation.alignment import ResultFolder
from streetclip.evaluation.labels import chosen, labels


def folder(path: str, name: str = "", **given: Any) -> ResultFolder:
    return ResultFolder(Path(path), planted([True], **given), path, name)


def test_models_are_enough_where_they_differ() -> None:
    folders = [folder("a", model="one"), folder("b", model="two", protocol="streetclip")]
    assert labels(folders) == ["one", "two"]


def test_protocol_and_decoding_are_named_where_models_repeat() -> None:
    folders = [
        folder("a", protocol="paper"),
        folder("b", protocol="streetclip"),
        folder("c", protocol="streetclip", decoding="beam"),
    ]
    assert labels(folders[:2]) == ["tiny, paper", "tiny, streetclip"]
    assert labels(folders[1:]) == ["tiny, greedy", "tiny, beam"]
    assert labels(folders) == [
        "tiny, paper, greedy",
        "tiny, streetclip, greedy",
        "tiny, streetclip, beam",
    ]


def test_folders_tell_apart_what_nothing_else_does() -> None:
    folders = [folder("runs/1/out"), folder("runs/2/out"), folder("else", model="other")]
    assert labels(folders) == ["tiny (1/out)", "tiny (2/out)", "other"]


def test_the_users_names_stand_as_they_are() -> None:
    folders = [folder("a", "before"), folder("b"), folder("c")]
    assert labels(folders) == ["before", "tiny (b)", "tiny (c)"]


def test_one_name_for_two_results_is_refused() -> None:
    with pytest.raises(InputError, match="two results are called 'same'; give each a name"):
        labels([folder("a", "same"), folder("b", "same")])


@pytest.mark.parametrize("name", ["second", "two", "runs/b", "b"])
def test_a_baseline_is_meant_by_any_of_its_names(name: str) -> None:
    folders = [folder("runs/a", model="one"), folder("runs/b", "second", model="two")]
    assert chosen(name, folders, labels(folders)) == 1


def test_what_a_result_is_called_goes_before_what_others_are_in() -> None:
    folders = [folder("x/other", "here"), folder("y/here", "other")]
    assert chosen("here", folders, labels(folders)) == 0


@pytest.mark.parametrize(("name", "number"), [("nobody", 0), ("tiny", 2)])
def test_a_baseline_that_is_none_or_several_is_refused(name: str, number: int) -> None:
    folders = [folder("a"), folder("b")]
    with pytest.raises(
        InputError,
        match=rf"--baseline {name} means {number} results of set 'val'; allowed: 'tiny \(a\)', ",
    ):
        chosen(name, folders, labels(folders))
