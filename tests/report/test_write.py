"""The report lies beside the numbers."""

from collections.abc import Callable
from pathlib import Path

from streetclip.evaluation.result import Result
from streetclip.report.write import write_report


def test_report_and_map_are_written_and_linked(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    write_report(make_result(), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["map.png", "report.html", "report.md"]
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert text.endswith("![True and predicted points](map.png)\n")
