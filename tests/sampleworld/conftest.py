"""Scenes that the tests of this room share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.towns import Town
from streetclip.sampleworld.world import Camera, Facts, Scene, scene_of

PLACES = {
    "GB": ("Oxford", "England", 51.75, -1.26),
    "JP": ("Okayama", "Okayama", 34.66, 133.93),
    "US": ("Topeka", "Kansas", 39.05, -95.68),
    "FR": ("Dijon", "Bourgogne-Franche-Comte", 47.32, 5.04),
    "EG": ("Luxor", "Luxor", 25.69, 32.64),
    "NL": ("Delft", "South Holland", 52.01, 4.36),
    "BO": ("Oruro", "Oruro", -17.98, -67.13),
    "TN": ("Kairouan", "Kairouan", 35.68, 10.1),
    "KH": ("Kampot", "Kampot", 10.61, 104.18),
    "PH": ("Tarlac City", "Central Luzon", 15.48, 120.59),
    "SG": ("Singapore", "", 1.29, 103.85),
}

MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene() -> MakeScene:
    """Scenes in a country, by day and in clear weather unless told otherwise."""

    def make(code: str = "FR", *, index: int = 0, month: int = 6, **changes: Any) -> Scene:
        name, region, latitude, longitude = PLACES[code]
        town = Town(7, name, code, region, latitude, longitude, 300_000)
        facts = Facts(5, index, town, latitude, longitude, 40, month)
        camera = Camera(height_m=1.7, lateral_m=0.0, yaw_deg=0.0, pitch=0.0, focal=0.8)
        plain = {"weather": "clear", "snow": False, "camera": camera, "gains": (1.0, 1.0, 1.0)}
        return replace(scene_of(facts), **{**plain, **changes})

    return make


@pytest.fixture
def canvas(make_scene: MakeScene) -> Canvas:
    """An empty picture of 64 pixels, drawn with 128, seen from the middle of the road."""
    return Canvas(make_scene(), 64)
