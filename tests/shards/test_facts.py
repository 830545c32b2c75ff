"""What the place of a photograph tells besides its names."""

import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from streetclip.records import ManifestRow, Place
from streetclip.shards import facts
from streetclip.shards.layout import open_shard_set
from streetclip.shards.read import ShardReader
from streetclip.shards.sample import parse_metadata
from streetclip.shards.write import BuildOptions, build_shards

MakeSource = Callable[..., Path]


def test_without_the_raster_there_is_no_climate_and_a_word_about_it(
    make_source: MakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(facts, "climate_available", lambda: False)
    with caplog.at_level(logging.WARNING):
        report = build_shards(make_source(6), tmp_path / "out", options=BuildOptions(val_share=0))
    assert not report.climate
    assert [record.message.count("streetclip[climate]") for record in caplog.records] == [1]
    reader = ShardReader(open_shard_set(tmp_path / "out"))
    assert "climate" not in parse_metadata(reader.read(0, 0).metadata)


def _row(latitude: float, country: str | None = None) -> ManifestRow:
    return ManifestRow("/a.jpg", "a.jpg", Place(latitude, latitude, country))


def test_the_climate_is_that_of_the_photograph_where_there_is_a_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = {48.8: "Cfb", 0.0: None, -22.5: "BSh"}
    monkeypatch.setattr(facts, "climate_available", lambda: True)
    monkeypatch.setattr(
        facts,
        "climate_sentence_codes",
        lambda latitude, _: np.array([codes[value] for value in latitude.tolist()], dtype=object),
    )
    rows = [_row(latitude) for latitude in (math.nan, 48.8, 0.0, math.nan, -22.5)]
    assert facts.climates(rows) == [None, "Cfb", None, None, "BSh"]


def test_where_no_photograph_has_a_point_nobody_asks_for_the_raster(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(facts, "climate_available", lambda: False)
    with caplog.at_level(logging.WARNING):
        assert facts.climates([_row(math.nan, "FR"), _row(math.nan)]) == [None, None]
    assert not caplog.records


@pytest.mark.parametrize(
    ("country", "left"), [("GB", True), ("NA", True), ("FR", False), ("ZZ", None), (None, None)]
)
def test_the_country_tells_on_which_side_traffic_keeps(
    country: str | None, left: bool | None
) -> None:
    assert facts.drives_left(_row(1.0, country)) is left
