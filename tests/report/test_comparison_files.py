"""What is written can be read by a program, and is the same each time."""

import json
from pathlib import Path

import pytest
from tests.tinyresults import planted

from streetclip.evaluation.alignment import ResultFolder
from streetclip.evaluation.comparison import Comparison, compare
from streetclip.report.comparison_files import write_comparisons


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """Of two models."""
    folders = [
        ResultFolder(Path(name), planted([i >= wrong for i in range(60)], model=name), name * 64)
        for name, wrong in (("a", 30), ("b", 5))
    ]
    return compare(folders, resamples=200)


def test_the_numbers_carry_digests_versions_and_every_difference(
    comparison: Comparison, tmp_path: Path
) -> None:
    write_comparisons([comparison], tmp_path / "new" / "folder", left_out=["x is left out."])
    text = (tmp_path / "new" / "folder" / "comparison.json").read_text(encoding="utf-8")
    content = json.loads(text)
    assert content["version"] == 1
    assert content["left_out"] == ["x is left out."]
    assert {"streetclip", "numpy"} <= set(content["versions"])
    (held,) = content["comparisons"]
    assert [entrant["digest"] for entrant in held["entrants"]] == ["a" * 64, "b" * 64]
    assert {"weights_digest", "protocol_digest", "shard_set_digest"} <= set(held["entrants"][0])
    (pair,) = held["pairs"]
    country = pair["differences"]["country_accuracy"]
    found = comparison.pairs[0].differences["country_accuracy"]
    assert country == {
        "value": found.value,
        "n": 60,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "test": "mcnemar",
        "adjusted_p": found.adjusted_p,
        "first_only": 0,
        "second_only": 25,
        "better": "second",
    }
    assert held["entrants"][0]["values"]["region_accuracy"]["value"] is None


def test_latex_is_written_on_request(comparison: Comparison, tmp_path: Path) -> None:
    write_comparisons([comparison], tmp_path / "a")
    write_comparisons([comparison], tmp_path / "b", with_latex=True)
    names = {"comparison.json", "comparison.md", "comparison.html"}
    assert {path.name for path in (tmp_path / "a").iterdir()} == names
    assert {path.name for path in (tmp_path / "b").iterdir()} == names | {"comparison.tex"}
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
