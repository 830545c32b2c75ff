"""Words of the command become results, put together by their sets."""

from pathlib import Path

import pytest
from tests.tinyresults import key_of, planted, write_planted

from streetclip.build.compare import compare_folders
from streetclip.errors import InputError, ResultError
from streetclip.evaluation.result import write_result

RIGHT, BETTER = [i % 2 == 0 for i in range(40)], [i % 4 > 0 for i in range(40)]


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two results on one set."""
    return (
        write_planted(tmp_path / "a", RIGHT, model="one"),
        write_planted(tmp_path / "b", BETTER, model="two"),
    )


def other_set(folder: Path, model: str, right: list[bool]) -> Path:
    keys = [key_of(1000 + i) for i in range(len(right))]
    changes = {"set_name": "im2gps", "shard_set_digest": "d" * 64, "keys": keys}
    return write_planted(folder, right, model=model, **changes)


def test_two_results_give_one_comparison(two: tuple[Path, Path]) -> None:
    found = compare_folders([str(path) for path in two], resamples=200)
    (comparison,) = found.comparisons
    assert [entrant.label for entrant in comparison.entrants] == ["one", "two"]
    assert [entrant.folder for entrant in comparison.entrants] == [path.name for path in two]
    assert all(len(entrant.digest) == 64 for entrant in comparison.entrants)
    assert comparison.pairs[0].differences["country_accuracy"].value == pytest.approx(0.25)
    assert found.left_out == ()


def test_a_folder_of_several_results_is_taken_apart_by_set(tmp_path: Path) -> None:
    for model, right in (("one", RIGHT), ("two", BETTER)):
        write_planted(tmp_path / "out" / "val" / model, right, model=model)
        other_set(tmp_path / "out" / "im2gps" / model, model, right)
    found = compare_folders([str(tmp_path / "out")], baseline="one", resamples=200)
    assert [each.set_name for each in found.comparisons] == ["im2gps", "val"]
    assert [each.title for each in found.comparisons] == [
        "IM2GPS (partial: 40 of 237 photographs)",
        "val (40 photographs)",
    ]
    assert {each.baseline for each in found.comparisons} == {"one"}


def test_a_result_of_a_folder_that_is_alone_on_its_set_is_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for model, right in (("one", RIGHT), ("two", BETTER)):
        write_planted(out / "val" / model, right, model=model)
    other_set(out / "im2gps" / "one", "one", RIGHT)
    found = compare_folders([str(out)], resamples=200)
    assert len(found.comparisons) == 1
    assert found.left_out == (
        "out/im2gps/one is the only result on its photographs ('im2gps') and is left out.",
    )


def test_a_named_result_that_is_alone_on_its_set_is_refused(
    two: tuple[Path, Path], tmp_path: Path
) -> None:
    alone = other_set(tmp_path / "c", "three", RIGHT)
    for words in ([two[0], alone], [two[0], two[1], alone]):
        with pytest.raises(ResultError, match=rf"{two[0]} and {alone} are results on different"):
            compare_folders([str(word) for word in words], resamples=200)


def test_parts_of_a_set_are_compared_on_request(two: tuple[Path, Path], tmp_path: Path) -> None:
    part = write_planted(tmp_path / "c", RIGHT[:30], model="three", shard_set_digest="d" * 64)
    words = [str(two[0]), str(part)]
    with pytest.raises(ResultError, match="--common compares on the 30 that both have"):
        compare_folders(words, resamples=200)
    (comparison,) = compare_folders(words, common=True, resamples=200).comparisons
    assert comparison.n == 30


def test_results_can_be_named(two: tuple[Path, Path], tmp_path: Path) -> None:
    odd = tmp_path / "c=d"
    write_result(planted(RIGHT, model="three"), odd)
    words = [f"before={two[0]}", f"after={two[1]}", str(odd)]
    (comparison,) = compare_folders(words, baseline="before", resamples=200).comparisons
    assert [entrant.label for entrant in comparison.entrants] == ["before", "after", "three"]


def test_a_folder_with_one_result_inside_can_be_named(two: tuple[Path, Path]) -> None:
    write_planted(two[0].parent / "run" / "epoch1", BETTER)
    words = [f"new={two[0].parent / 'run'}", str(two[1])]
    (comparison,) = compare_folders(words, resamples=200).comparisons
    assert comparison.entrants[0].label == "new"
    with pytest.raises(InputError, match=r"'x' would name all results in .*; got: 3 results"):
        compare_folders([f"x={two[0].parent}"], resamples=200)


def test_one_result_is_no_comparison(two: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match=r"a comparison needs two results or more; got: .*a"):
        compare_folders([str(two[0])])


def test_a_result_that_is_given_twice_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(two[0])
    for again in (two[0], link, two[0] / ".." / "a"):
        with pytest.raises(InputError, match=r"result .* is given twice; got: also as .*a"):
            compare_folders([str(two[0]), str(again)])
    with pytest.raises(InputError, match="is given twice"):
        compare_folders([str(tmp_path), str(two[1])])


def test_a_folder_that_is_no_result_is_refused(two: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name, problem in (("absent", "no such folder"), ("empty", r"no results.json")):
        with pytest.raises(ResultError, match=problem):
            compare_folders([str(two[0]), str(tmp_path / name)])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"resamples": 99}, "--resamples; got: 99; allowed: 100 or more"),
        ({"seed": -1}, "--seed; got: -1; allowed: 0 or more"),
        ({"baseline": "x"}, "--baseline x means 0 results of set 'val'; allowed: 'one', 'two'"),
    ],
)
def test_wrong_options_are_refused(
    two: tuple[Path, Path], given: dict[str, int | str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        compare_folders([str(path) for path in two], **given)  # type: ignore[arg-type]  # a table
