"""Claims about traffic."""

import numpy as np
import pytest
from tests.sampleworld.conftest import MakeScene

from streetclip.sampleworld import vehicles
from streetclip.sampleworld.canvas import Canvas
from streetclip.sampleworld.sun import Sun
from streetclip.sampleworld.vehicles import BODIES, paint_vehicle, plan_vehicles

GRAY = (128, 128, 128)


@pytest.mark.parametrize(("code", "side"), [("GB", -1), ("JP", -1), ("US", 1), ("FR", 1)])
def test_vehicles_that_drive_away_are_on_the_side_of_traffic(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, code: str, side: int
) -> None:
    seen: list[tuple[float, bool]] = []

    def record(
        canvas: object, kind: str, place: tuple[float, float], color: object, **how: bool
    ) -> None:
        seen.append((place[0], how["away"]))

    monkeypatch.setattr(vehicles, "paint_vehicle", record)
    for index in range(10):
        scene = make_scene(code, index=index)
        for vehicle in plan_vehicles(scene):
            vehicle.paint(Canvas(scene, 16))
    assert {away for _, away in seen} == {True, False}
    assert all((x * side > 0) == away for x, away in seen)


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_every_vehicle_has_about_its_size(make_scene: MakeScene, kind: str) -> None:
    canvas = Canvas(make_scene(), 64)
    paint_vehicle(canvas, kind, (0.0, 10.0), GRAY, away=True)
    left, top, right, bottom = canvas.image.getbbox() or (0, 0, 0, 0)
    meter = 0.8 * 128 / 10
    assert (right - left) / meter == pytest.approx(BODIES[kind].width, abs=0.5)
    assert (bottom - top) / meter < BODIES[kind].roof + 1.3


def test_rear_lamps_are_red_and_front_lamps_white(make_scene: MakeScene) -> None:
    def redness(*, away: bool) -> int:
        canvas = Canvas(make_scene("US", sun=Sun(40, 220)), 128)
        paint_vehicle(canvas, "car", (0.0, 7.0), GRAY, away=away)
        picture = np.asarray(canvas.image, dtype=int)
        return int(((picture[..., 0] - picture[..., 1]) > 80).sum())

    assert redness(away=True) > 20
    assert redness(away=False) == 0


def test_plates_differ_by_end_in_the_united_kingdom(make_scene: MakeScene) -> None:
    def yellowness(*, away: bool) -> int:
        canvas = Canvas(make_scene("GB", sun=Sun(40, 220)), 128)
        paint_vehicle(canvas, "van", (0.0, 7.0), GRAY, away=away)
        picture = np.asarray(canvas.image, dtype=int)
        yellow = (picture[..., 1] - picture[..., 2] > 60) & (picture[..., 0] > 100)
        return int(yellow.sum())

    assert yellowness(away=True) > 20
    assert yellowness(away=False) == 0


def test_taxis_have_a_sign_on_the_roof(canvas: Canvas) -> None:
    paint_vehicle(canvas, "car", (0.0, 10.0), GRAY, away=True)
    plain = canvas.image.getbbox()
    paint_vehicle(canvas, "car", (0.0, 10.0), GRAY, away=True, taxi=True)
    taxi = canvas.image.getbbox()
    assert plain
    assert taxi
    assert taxi[1] < plain[1]


def test_no_vehicle_fills_the_picture(make_scene: MakeScene) -> None:
    for index in range(40):
        for vehicle in plan_vehicles(make_scene("GB", index=index)):
            assert vehicle.z > 9.5 or abs(vehicle.x) > 1.7
