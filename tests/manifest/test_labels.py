"""Coordinates complete what the user left out, and never overrule the user."""

import numpy as np
import pytest

from streetclip.geo.locate import Located
from streetclip.manifest import labels
from streetclip.manifest.labels import complete_labels
from streetclip.records import ManifestRow, Place


@pytest.fixture
def _nearly_paris(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every point is in Paris, but those south of the equator are in the open sea."""

    def locate(latitude: np.ndarray, longitude: np.ndarray) -> Located:
        land = np.asarray(latitude) > 0
        names = [
            np.array([name if is_land else None for is_land in land], dtype=object)
            for name in ("FR", "Île-de-France", "Paris")
        ]
        km = np.where(land, np.asarray(longitude, dtype=np.float64), np.nan)
        rows = np.where(land, 0, -1).astype(np.int64)
        return Located(names[0], names[1], names[2], km, rows)

    monkeypatch.setattr(labels, "locate", locate)


def row(name: str, place: Place) -> ManifestRow:
    return ManifestRow(f"/{name}", name, place)


@pytest.mark.usefixtures("_nearly_paris")
def test_missing_labels_are_filled_in() -> None:
    done = complete_labels([row("a", Place(48.0, 2.0))])
    assert done.rows[0].place == Place(48.0, 2.0, "FR", "Île-de-France", "Paris")
    assert (done.rejections, done.disagreements) == ([], [])


@pytest.mark.usefixtures("_nearly_paris")
def test_a_far_town_is_not_filled_in() -> None:
    assert complete_labels([row("a", Place(48.0, 51.0))]).rows[0].place.town is None


@pytest.mark.usefixtures("_nearly_paris")
def test_the_users_label_wins_and_the_disagreement_is_listed() -> None:
    done = complete_labels(
        [
            row("a", Place(48.0, 2.0, "BE", None, "Mons")),
            row("b", Place(48.0, 2.0, "FR", "Ile de France", "Meudon")),
        ]
    )
    assert done.rows[0].place == Place(48.0, 2.0, "BE", None, "Mons")
    assert done.rows[1].place == Place(48.0, 2.0, "FR", "Ile de France", "Meudon")
    found = [(item.name, item.field, item.given, item.located) for item in done.disagreements]
    assert found == [
        ("a", "country", "BE", "FR"),
        ("a", "town", "Mons", "Paris"),
        ("b", "town", "Meudon", "Paris"),
    ]


@pytest.mark.usefixtures("_nearly_paris")
def test_the_open_sea_has_no_country() -> None:
    rows = [row("sea", Place(-1.0, 2.0)), row("ship", Place(-1.0, 2.0, "NA"))]
    done = complete_labels(rows)
    assert [(each.name, each.reason) for each in done.rejections] == [("sea", "no_country")]
    assert [each.name for each in done.rows] == ["ship"]
    assert len(complete_labels(rows, keep_unplaced=True).rows) == 2


def test_no_rows_need_no_geography() -> None:
    assert complete_labels([]).rows == []


def test_the_real_earth_completes_the_labels() -> None:
    done = complete_labels([row("a", Place(48.8566, 2.3522))])
    assert done.rows[0].place.country == "FR"


@pytest.mark.usefixtures("_nearly_paris")
def test_rows_without_coordinates_stay_as_they_are_in_their_places() -> None:
    nowhere = Place(float("nan"), float("nan"), "XK")
    done = complete_labels([row("a", nowhere), row("b", Place(48.0, 2.0)), row("c", nowhere)])
    assert [each.place.country for each in done.rows] == ["XK", "FR", "XK"]
    assert [each.place.town for each in done.rows] == [None, "Paris", None]
    assert [each.name for each in complete_labels([row("a", nowhere)]).rows] == ["a"]
