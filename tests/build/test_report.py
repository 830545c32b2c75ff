"""A report is written again with the photographs of its own set, and of no other."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from tests.plainresult import plain_result
from tests.tinyshards import write_tiny_shards

from streetclip.build.report import ReportOptions, report_again
from streetclip.errors import InputError, ResultError
from streetclip.evaluation.result import Result, write_result
from streetclip.shards.layout import open_shard_set


def result_on(shards: Path, folder: Path) -> Result:
    """A result whose keys and digest are those of a shard set."""
    shard_set = open_shard_set(shards)
    result = plain_result(len(shard_set), shard_set_digest=shard_set.digest)
    keys = pa.array([f"s0_{number:03d}" for number in range(len(shard_set))])
    result = replace(result, predictions=result.predictions.set_column(0, "key", keys))
    write_result(result, folder)
    return result


def test_pictures_are_shown_when_asked_for_and_gone_when_not(tmp_path: Path) -> None:
    shards = write_tiny_shards(tmp_path / "set", sizes=(4,))
    folder = tmp_path / "result"
    result_on(shards, folder)
    options = ReportOptions(folder, pictures=f"mine={shards}", shards_dir=tmp_path / "built")
    (page,) = report_again(options, progress=False)
    assert page == folder / "report.html"
    assert page.read_text(encoding="utf-8").count("data:image/jpeg") == 8
    report_again(ReportOptions(folder), progress=False)
    assert "data:image/jpeg" not in page.read_text(encoding="utf-8")
    assert (folder / "report.md").is_file()


def test_photographs_of_another_set_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    result_on(write_tiny_shards(tmp_path / "set", sizes=(4,)), folder)
    other = write_tiny_shards(tmp_path / "other", sizes=(4,), seed=12)
    with pytest.raises(InputError, match="other photographs than those of"):
        report_again(ReportOptions(folder, pictures=str(other)), progress=False)
    assert not (folder / "report.html").exists()


def test_latex_is_written_where_it_shall_go(tmp_path: Path) -> None:
    folder, latex = tmp_path / "result", tmp_path / "table.tex"
    write_result(plain_result(4), folder)
    assert report_again(ReportOptions(folder, latex=latex)) == [folder / "report.html", latex]
    assert latex.read_text(encoding="utf-8").startswith(r"\begin{table}")


def test_what_is_missing_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="no result at"):
        report_again(ReportOptions(tmp_path / "none"))
    with pytest.raises(InputError, match="no such folder"):
        report_again(ReportOptions(tmp_path / "none", latex=tmp_path / "a" / "b.tex"))
    assert list(tmp_path.iterdir()) == []


def test_latex_takes_the_place_of_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    write_result(plain_result(4), folder)
    before = (folder / "results.json").read_bytes()
    mine = tmp_path / "mine.tex"
    mine.write_text("% my paper")
    for latex in (folder / "results.json", mine):
        with pytest.raises(InputError, match="is no file that this command has written"):
            report_again(ReportOptions(folder, latex=latex))
    with pytest.raises(InputError, match="is a folder; name a file as --latex"):
        report_again(ReportOptions(folder, latex=tmp_path))
    assert (folder / "results.json").read_bytes() == before
    assert mine.read_text() == "% my paper"
    # Its own table of an earlier call is written anew.
    for _ in range(2):
        assert report_again(ReportOptions(folder, latex=tmp_path / "t.tex"))[1].exists()
