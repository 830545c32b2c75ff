"""Figures that others have published on benchmark sets, quoted beside what is measured here."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

_TABLE = Path(__file__).parent / "published.csv"
_WORDS = ("set", "model", "kind", "source")
KINDS = ("paper", "reproduction")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """What one source says of one model on one set.

    Args:
        set_name: Of the set, as `evaluation.registry` names it.
        model: As the source calls it, with the variant.
        kind: ``"paper"`` where the authors of the method report it, ``"reproduction"`` where
            somebody else has measured it.
        source: Who says so, in words.
        figures: Names of values in a result to the figure with the digits of the source: per cent
            for shares, points for the GeoScore.
    """

    set_name: str
    model: str
    kind: str
    source: str
    figures: Mapping[str, str]

    def text(self, name: str) -> str:
        """One figure with its unit, or a dash where the source gives none.

        Args:
            name: Of a value in a result.

        Example:
            >>> row = published_rows("im2gps3k")[0]
            >>> row.model, row.text("within_25km"), row.text("geoscore")
            ('PlaNet 2016', '24.8 %', '-')
        """
        figure = self.figures.get(name)
        if figure is None:
            return "-"
        return f"{int(figure):,}" if name == "geoscore" else f"{figure} %"


def published_rows(set_name: str) -> Sequence[PublishedRow]:
    """The published rows of a set.

    Args:
        set_name: Of a result; case does not matter.

    Returns:
        The rows in the order of the table; none for a set that nobody has published on.

    Source: each row names its own.

    Example:
        >>> [row.model for row in published_rows("OSV5M")][:2]
        ['OSV-5M baseline', 'PLONK on frozen StreetCLIP features']
        >>> published_rows("val")
        ()
    """
    return tuple(row for row in _rows() if row.set_name == set_name.lower())


def published_names(rows: Sequence[PublishedRow]) -> list[str]:
    """The values that any of the rows tells.

    Args:
        rows: From `published_rows`.

    Returns:
        Names of values in a result, in the order of the table's columns.
    """
    told = {name for row in rows for name in row.figures}
    return [name for name in _columns() if name in told]


@cache
def _table() -> tuple[Mapping[str, str], ...]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(MappingProxyType(row) for row in csv.DictReader(file))


def _columns() -> list[str]:
    return [name for name in _table()[0] if name not in _WORDS]


@cache
def _rows() -> tuple[PublishedRow, ...]:
    return tuple(
        PublishedRow(
            row["set"],
            row["model"],
            row["kind"],
            row["source"],
            MappingProxyType({name: row[name] for name in _columns() if row[name]}),
        )
        for row in _table()
    )
