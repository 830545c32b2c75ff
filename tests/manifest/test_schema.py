"""Cells become values, or a reason."""

import pytest

from streetclip.errors import SampleError
from streetclip.manifest.schema import (
    Cell,
    Columns,
    make_place,
    make_row,
    read_country,
    read_heading,
    read_month,
    read_number,
    read_prose,
    read_text,
)


def test_na_is_namibia_and_nan_is_a_town() -> None:
    columns = Columns("image", "latitude", "longitude", country="country", town="city")
    cells: dict[str, Cell] = {"latitude": "18.78", "longitude": "100.78"}
    row = make_row(cells | {"country": "NA", "city": "Nan"}, columns, image="/a", name="a")
    assert (row.place.country, row.place.town) == ("NA", "Nan")


def test_empty_cells_are_unknown() -> None:
    assert [read_text(cell, "town") for cell in ("", " ", "NaN", None, float("nan"))] == [None] * 5
    assert [read_number(cell, "x") for cell in ("", "NaN", "null", None, float("nan"))] == [
        None
    ] * 5


@pytest.mark.parametrize(
    ("latitude", "longitude", "reason"),
    [
        (None, 2.0, "no_coordinates: no latitude"),
        (None, None, "no latitude and longitude"),
        (95.0, 2.0, "impossible_latitude"),
        (float("inf"), 2.0, "impossible_latitude"),
        (1.0, 181.0, "impossible_longitude"),
        (0.0, 0.0, "zero_coordinates"),
    ],
)
def test_impossible_places_have_their_own_reasons(
    latitude: float | None, longitude: float | None, reason: str
) -> None:
    with pytest.raises(SampleError, match=reason):
        make_place(latitude, longitude)


@pytest.mark.parametrize("cell", ["north", "48,85", "1_000", True])
def test_what_is_no_number_is_refused(cell: Cell) -> None:
    with pytest.raises(SampleError, match="bad_latitude"):
        read_number(cell, "latitude")


def test_a_name_does_not_run_over_lines_but_a_licence_may() -> None:
    with pytest.raises(SampleError, match="newline_in_text"):
        read_text("Par\nis", "town")
    assert read_prose("CC-BY 4.0,\n  by A", "licence") == "CC-BY 4.0, by A"


def test_a_text_of_ten_megabytes_is_refused() -> None:
    with pytest.raises(SampleError, match="text_too_long: town has 10000000 characters"):
        read_text("x" * 10_000_000, "town")


def test_country_names_become_codes() -> None:
    assert [read_country(name) for name in ("France", "fr", "FRA", "Czech Republic")] == [
        *("FR", "FR", "FR", "CZ")
    ]
    with pytest.raises(SampleError, match="unknown_country: Atlantis"):
        read_country("Atlantis")


def test_headings_wrap_and_months_do_not() -> None:
    assert [read_heading(cell) for cell in ("0", "-90", "360", None)] == [0.0, 270.0, 0.0, None]
    assert [read_month(cell) for cell in ("7", 7.0, "", None)] == [7, 7, None, None]
    with pytest.raises(SampleError, match="bad_heading"):
        read_heading("400")
    for month in ("13", "0", "1.5"):
        with pytest.raises(SampleError, match="bad_month"):
            read_month(month)
