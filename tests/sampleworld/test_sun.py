"""Claims about the sun; altitudes at noon are 90 degrees minus latitude plus declination."""

import math

import pytest

from streetclip.sampleworld.sun import lit_hours, sun_at


@pytest.mark.parametrize(
    ("latitude", "month", "altitude"),
    [(0, 3, 87.5), (51.5, 6, 61.7), (51.5, 12, 15.3), (-33.9, 12, 79.3), (60, 9, 32.5)],
)
def test_noon_altitude_follows_latitude_and_month(
    latitude: float, month: int, altitude: float
) -> None:
    assert sun_at(latitude, month, 12).altitude_deg == pytest.approx(altitude, abs=1.5)


@pytest.mark.parametrize("month", [3, 9])
def test_the_sun_is_higher_at_the_equator(month: int) -> None:
    heights = [sun_at(latitude, month, 12).altitude_deg for latitude in (5, 20, 40, 60)]
    assert heights == sorted(heights, reverse=True)


def test_noon_sun_stands_south_in_the_north_and_north_in_the_south() -> None:
    assert sun_at(50, 3, 12).azimuth_deg == pytest.approx(180, abs=0.1)
    assert math.cos(math.radians(sun_at(-50, 3, 12).azimuth_deg)) == pytest.approx(1, abs=1e-6)


def test_the_sun_rises_in_the_east_and_sets_in_the_west() -> None:
    assert sun_at(40, 3, 7).azimuth_deg == pytest.approx(97, abs=5)
    assert sun_at(40, 3, 17).azimuth_deg == pytest.approx(263, abs=5)


def test_direction_is_a_unit_vector_relative_to_the_view() -> None:
    sun = sun_at(50, 3, 12)
    right, up, along = sun.direction(180)
    assert math.hypot(right, up, along) == pytest.approx(1)
    assert right == pytest.approx(0, abs=1e-3)
    assert along > 0
    assert sun.direction(90)[0] == pytest.approx(along, abs=1e-3)


def test_days_are_long_in_summer_and_polar_night_keeps_a_noon() -> None:
    start, end = lit_hours(60, 6)
    assert end - start > 17
    start, end = lit_hours(60, 12)
    assert end - start < 7
    assert lit_hours(75, 12) == (11.0, 13.0)
    assert lit_hours(75, 6) == (0.0, 24.0)
