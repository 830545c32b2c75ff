"""The columns of a manifest and how the text of a cell becomes a value, or a reason against it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from streetclip.errors import SampleError
from streetclip.geo.countries import country_code
from streetclip.records import ManifestRow, Place

Cell = str | int | float | bool | None

MAX_TEXT_CHARS = 2_000
RESERVED_COLUMNS = frozenset(
    {"image", "key", "latitude", "longitude", "country", "region", "town", "heading", "month"}
    | {"licence", "source", "climate", "drives_left"}
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
# "NA" is Namibia and "Nan" a town in Thailand; these two spellings only ever mean missing.
_MISSING_TEXT = frozenset({"", "NaN", "nan"})
_MISSING_NUMBER = frozenset({"", "nan", "na", "n/a", "null", "none"})


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a table holds what; None where the table has none.

    Args:
        image: The photograph's path or id.
        latitude: Degrees.
        longitude: Degrees.
        country: ISO code or name.
        region: First-order administrative area.
        town: Town or city.
        heading: Degrees clockwise from north.
        month: 1 to 12.
        licence: Licence text.
        source: Where the photograph comes from.
        declared: Further columns that captions may use.
    """

    image: str
    latitude: str | None = None
    longitude: str | None = None
    country: str | None = None
    region: str | None = None
    town: str | None = None
    heading: str | None = None
    month: str | None = None
    licence: str | None = None
    source: str | None = None
    declared: Sequence[str] = field(default=())

    def names(self) -> list[str]:
        """The columns to read from the table, each once."""
        singles = (
            *(self.image, self.latitude, self.longitude, self.country, self.region, self.town),
            *(self.heading, self.month, self.licence, self.source),
        )
        return list(dict.fromkeys([name for name in singles if name] + list(self.declared)))


def make_row(cells: Mapping[str, Cell], columns: Columns, *, image: str, name: str) -> ManifestRow:
    """One row of a manifest from the cells of a table.

    Args:
        cells: Value by column name.
        columns: Which column holds what.
        image: Absolute path of the photograph.
        name: What the table calls it.

    Returns:
        The row; labels that the table does not give are None.

    Raises:
        SampleError: With the reason why the row cannot be used.

    Example:
        >>> columns = Columns("image", "lat", "lon", country="land")
        >>> cells = {"image": "a.jpg", "lat": "-22.57", "lon": "17.08", "land": "NA"}
        >>> make_row(cells, columns, image="/photos/a.jpg", name="a.jpg").place.country
        'NA'
    """

    def cell(column: str | None) -> Cell:
        return None if column is None else cells.get(column)

    latitude = read_number(cell(columns.latitude), "latitude")
    longitude = read_number(cell(columns.longitude), "longitude")
    country = read_text(cell(columns.country), "country")
    place = make_place(
        latitude,
        longitude,
        country=None if country is None else read_country(country),
        region=read_text(cell(columns.region), "region"),
        town=read_text(cell(columns.town), "town"),
    )
    declared = {name: read_text(cell(name), name) for name in columns.declared}
    return ManifestRow(
        image,
        name,
        place,
        heading=read_heading(cell(columns.heading)),
        month=read_month(cell(columns.month)),
        licence=read_prose(cell(columns.licence), "licence"),
        source=read_prose(cell(columns.source), "source"),
        columns={name: text for name, text in declared.items() if text is not None},
    )


def make_place(
    latitude: float | None,
    longitude: float | None,
    *,
    country: str | None = None,
    region: str | None = None,
    town: str | None = None,
) -> Place:
    """A place whose coordinates are possible.

    Args:
        latitude: Degrees north, or None where unknown.
        longitude: Degrees east, or None where unknown.
        country: ISO code.
        region: Name.
        town: Name.

    Returns:
        The place.

    Raises:
        SampleError: ``no_coordinates``, ``impossible_latitude``, ``impossible_longitude`` or
            ``zero_coordinates`` (0, 0 is what devices write that do not know where they are).
    """
    if latitude is None or longitude is None:
        missing = " and ".join(
            name for name, value in (("latitude", latitude), ("longitude", longitude))
            if value is None
        )  # fmt: skip
        raise SampleError("no_coordinates", f"no {missing}")
    if not -90 <= latitude <= 90:
        raise SampleError("impossible_latitude", f"{latitude} is not -90 to 90")
    if not -180 <= longitude <= 180:
        raise SampleError("impossible_longitude", f"{longitude} is not -180 to 180")
    if latitude == 0 and longitude == 0:
        raise SampleError("zero_coordinates", "0, 0 in the open sea")
    return Place(latitude, longitude, country, region, town)


def read_number(cell: Cell, name: str) -> float | None:
    """A number, or None where the cell is empty or says that it is missing.

    Args:
        cell: Text or number.
        name: For the message.

    Returns:
        A float; infinite values pass, and are impossible later.

    Raises:
        SampleError: ``bad_NAME`` where the cell is something else.

    Example:
        >>> read_number(" 48.85 ", "latitude"), read_number("NaN", "latitude")
        (48.85, None)
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        text = cell.strip()
        if text.casefold() in _MISSING_NUMBER:
            return None
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise SampleError(f"bad_{name}", f"{text[:100]!r} is no number")
        return value
    if isinstance(cell, bool):
        raise SampleError(f"bad_{name}", f"{cell} is no number")
    return None if math.isnan(cell) else float(cell)


def read_text(cell: Cell, name: str) -> str | None:
    """A name, without blanks at its ends, or None where the cell is empty.

    Args:
        cell: Text, or what a Parquet column holds.
        name: For the message.

    Returns:
        The text.

    Raises:
        SampleError: ``newline_in_text`` or ``text_too_long``.
    """
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    text = str(cell).strip()
    if len(text) > MAX_TEXT_CHARS:
        raise SampleError("text_too_long", f"{name} has {len(text)} characters")
    if _CONTROL.search(text):
        raise SampleError("newline_in_text", f"{name} is {text[:100]!r}")
    return None if text in _MISSING_TEXT else text


def read_prose(cell: Cell, name: str) -> str | None:
    """A text that may run over lines, such as a licence; blanks and line breaks become one blank.

    Args:
        cell: Text.
        name: For the message.

    Returns:
        The text on one line.

    Raises:
        SampleError: ``text_too_long``.
    """
    return read_text(" ".join(cell.split()) if isinstance(cell, str) else cell, name)


def read_country(text: str) -> str:
    """The ISO code of a country that a table names.

    Args:
        text: Code or name.

    Returns:
        ISO 3166-1 alpha-2.

    Raises:
        SampleError: ``unknown_country``.
    """
    code = country_code(text)
    if code is None:
        raise SampleError("unknown_country", text[:100])
    return code


def read_heading(cell: Cell) -> float | None:
    """A compass direction; -180 to 0 is the western half, as some sources write it.

    Args:
        cell: Degrees clockwise from north.

    Returns:
        0 to below 360.

    Raises:
        SampleError: ``bad_heading``.

    Example:
        >>> read_heading("-90"), read_heading("360")
        (270.0, 0.0)
    """
    value = read_number(cell, "heading")
    if value is None:
        return None
    if not -180 <= value <= 360:
        raise SampleError("bad_heading", f"{value} is not 0 to 360")
    return value % 360


def read_month(cell: Cell) -> int | None:
    """A month.

    Args:
        cell: A number from 1 to 12.

    Returns:
        The month.

    Raises:
        SampleError: ``bad_month``.
    """
    value = read_number(cell, "month")
    if value is None:
        return None
    if not 1 <= value <= 12 or value != int(value):
        raise SampleError("bad_month", f"{value} is not 1 to 12")
    return int(value)
