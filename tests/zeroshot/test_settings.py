"""The parts of a protocol, and what they are if nobody says otherwise."""

from haversine.haversine import _AVG_EARTH_RADIUS_KM

from streetclip.zeroshot.defects import DEFECTS
from streetclip.zeroshot.protocol import load_protocol
from streetclip.zeroshot.settings import Distance, Rule


def test_distances_are_those_of_the_package_haversine() -> None:
    assert Distance().radius_km == Rule().radius_km == _AVG_EARTH_RADIUS_KM
    assert Distance().inclusive


def test_nobody_has_a_defect_who_does_not_ask_for_it() -> None:
    protocol = load_protocol("streetclip")
    for defect in DEFECTS.values():
        place = getattr(protocol, defect.section) if defect.section else protocol
        assert getattr(place, defect.key) != defect.on or defect.key == "fill"
