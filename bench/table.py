"""The table of `bench/README.md`: figures become rows, and rows take the place of older ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEGIN = "<!-- figures: written by `make bench`, do not edit -->"
END = "<!-- end of figures -->"
_COLUMNS = ("file", "what", "ours", "peer or limit", "ratio", "bar", "date")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        command: The bench that measured it, without its folder.
        cells: Texts of the columns.
    """

    command: str
    cells: Sequence[str]


def row_of(figure: Mapping[str, Any], *, command: str, date: str) -> Row:
    """A figure that a bench has reported, as a line of the table.

    Args:
        figure: The fields of `figures.report`.
        command: The bench that measured it.
        date: As YYYY-MM-DD.
    """
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.3g}"
    bar = figure["bar"] if figure["ok"] else f"**missed:** {figure['bar']}"
    cells = (f"`{command}`", figure["what"], figure["ours"], figure["peer"], ratio, bar, date)
    return Row(command, tuple(_plain(text) for text in cells))


def _plain(text: str) -> str:
    """Without what would end a cell."""
    return " ".join(text.replace("|", "/").split())


def rows_between(text: str) -> list[Row]:
    """The rows that a table holds by now.

    Args:
        text: Of the file.

    Raises:
        ValueError: The file has no place for the table, or two.
    """
    _, inner, _ = _parts(text)
    rows = []
    for line in inner.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == len(_COLUMNS) and cells[0].startswith("`"):
            rows.append(Row(cells[0].strip("`"), tuple(cells)))
    return rows


def replaced(old: Iterable[Row], new: Sequence[Row], order: Sequence[str]) -> list[Row]:
    """Rows of a bench that has just run instead of its older ones, all in the order of the benches.

    Args:
        old: Rows of the table.
        new: Rows just measured.
        order: Commands; rows of others are left out.
    """
    measured = {row.command for row in new}
    rows = [row for row in old if row.command not in measured] + list(new)
    place = {command: number for number, command in enumerate(order)}
    return sorted((r for r in rows if r.command in place), key=lambda row: place[row.command])


def with_table(text: str, rows: Iterable[Row], *, machine: str) -> str:
    """The file with another table, and every hand-written word as it was.

    Args:
        text: Of the file.
        rows: Of the table.
        machine: A sentence about the machine and the versions of its libraries.

    Raises:
        ValueError: The file has no place for the table, or two.
    """
    before, _, after = _parts(text)
    lines = [machine, "", _line(_COLUMNS), _line(["---"] * len(_COLUMNS))]
    lines += [_line(row.cells) for row in rows]
    return "\n".join([before + BEGIN, *lines, END + after])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _parts(text: str) -> tuple[str, str, str]:
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the file must hold {BEGIN!r} and then {END!r}, each once")
    before, _, rest = text.partition(BEGIN)
    inner, _, after = rest.partition(END)
    return before, inner, after
