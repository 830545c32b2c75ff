"""The table of `bench/README.md` takes new figures, and keeps every hand-written word."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def load(name: str) -> ModuleType:
    """A file of bench/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", BENCH / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


table = load("table")
TEXT = f"# Title\n\nBefore.\n\n{table.BEGIN}\nold\n{table.END}\n\nAfter | it.\n"


def figure(**changes: Any) -> dict[str, Any]:
    plain = {"name": "a.py", "what": "speed", "ours": "2", "peer": "tool: 1", "ratio": 2.0}
    return plain | {"bar": "at least 1", "ok": True} | changes


def row(command: str, **changes: Any) -> Any:
    return table.row_of(figure(**changes), command=command, date="2026-11-28")


def test_rows_are_written_between_the_marks_and_read_back() -> None:
    rows = [row("a.py --photos 3"), row("b.py", ratio=None, bar="")]
    text = table.with_table(TEXT, rows, machine="On a machine.")
    assert text.startswith("# Title\n\nBefore.\n\n<!--")
    assert text.endswith("-->\n\nAfter | it.\n")
    assert "old" not in text
    assert "| `a.py --photos 3` | speed | 2 | tool: 1 | 2 | at least 1 | 2026-11-28 |" in text
    assert table.rows_between(text) == rows
    assert table.with_table(text, rows, machine="On a machine.") == text


def test_a_bench_that_ran_again_loses_its_older_rows_alone() -> None:
    old = [row("b.py", ours="1"), row("a.py", ours="1"), row("a.py", what="more"), row("gone.py")]
    kept = table.replaced(old, [row("a.py", ours="3")], ["a.py", "b.py"])
    assert [(each.command, each.cells[2]) for each in kept] == [("a.py", "3"), ("b.py", "1")]


def test_a_missed_bar_and_a_stroke_in_a_text_are_shown() -> None:
    cells = row("a.py", ok=False, what="x | y\nz", ratio=0.12345).cells
    assert (cells[1], cells[4], cells[5]) == ("x / y z", "0.123", "**missed:** at least 1")


@pytest.mark.parametrize("text", ["", table.BEGIN, table.END + table.BEGIN, TEXT + TEXT])
def test_a_file_without_one_place_for_the_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="each once"):
        table.with_table(text, [], machine="")


def test_the_real_table_has_its_place_and_rows() -> None:
    rows = table.rows_between((BENCH / "README.md").read_text(encoding="utf-8"))
    assert {"leaks.py", "locate.py"} <= {each.command for each in rows}
