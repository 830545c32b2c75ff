"""Each defect of the public reproduction, switched alone, on a table that one can check by hand."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from streetclip.errors import ProtocolError
from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.defects import DEFECTS
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import Protocol, load_protocol

TABLE = (
    # name, latitude, longitude, country, code, region, population
    ("San Jose", 37.3, -121.85, "United States", "US", "California", 1_700_000),
    ("Atlanta", 33.76, -84.42, "United States", "US", "Georgia", 5_000_000),
    ("San Jose", 9.93, -84.08, "Costa Rica", "CR", "San José", 340_000),
    ("Springfield", 39.77, -89.64, "United States", "US", "Illinois", 150_000),
    ("Springfield", 44.05, -123.0, "United States", "US", "Oregon", 60_000),
    ("Tbilisi", 41.72, 44.79, "Georgia", "GE", "Tbilisi", 1_100_000),
    ("Al `Ayn", 24.21, 55.74, "United Arab Emirates", "AE", "Abu Dhabi", 770_000),
)
ALL_ON = dict.fromkeys(DEFECTS, "true")
ALL_OFF = dict.fromkeys(DEFECTS, "false")
Make = Callable[..., Protocol]


@pytest.fixture
def make(tmp_path: Path, write_cities: Callable[[Path, Sequence[Sequence[object]]], Path]) -> Make:
    """Four countries of the reproduction on the small table, the states of the USA in its place."""

    def protocol(*, states: bool = True, **switches: str) -> Protocol:
        write_cities(tmp_path / "cities.csv", TABLE)
        listed = ", ".join(f"{name}: {value}" for name, value in switches.items())
        text = f"""
extends: reproduction{"-us-states" if states else ""}
countries: [CR, GE, AE, US]
cities: {{table: cities.csv}}
regions: {"{split: {US: [Georgia, Oregon]}}" if states else "null"}
defects: {{{listed}}}
"""
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return load_protocol(str(path))

    return protocol


def cities(candidates: Candidates, group: int) -> list[str]:
    return [str(name) for name in candidates.city_name[candidates.blocks[group]]]


def alone(name: str) -> dict[str, str]:
    return {**ALL_OFF, "short_lists": "true", name: "true"}


def test_the_shipped_files_name_every_defect_and_say_which_are_on(make: Make) -> None:
    of_states = {"whole_country_for_a_state", "georgia_is_the_state"}
    assert set(make().defects) == set(DEFECTS)
    assert set(make(states=False).defects) == set(DEFECTS) - of_states


def test_a_city_that_is_found_by_name_alone_lies_where_the_first_of_its_name_lies(
    make: Make,
) -> None:
    good, bad = (build_candidates(make(**alone(n))) for n in ("short_lists", "city_by_name_alone"))
    assert cities(good, 0) == cities(bad, 0) == ["San Jose"]
    assert good.latlon[0].tolist() == [9.93, -84.08]
    assert bad.latlon[0].tolist() == [37.3, -121.85]
    assert bad.city_id[0] == good.city_id[0] == 1_002


def test_a_state_gets_the_cities_of_the_whole_country(make: Make) -> None:
    good = build_candidates(make(**alone("short_lists")))
    bad = build_candidates(make(**alone("whole_country_for_a_state")))
    assert good.country_regions == bad.country_regions == ("", "", "", "Georgia", "Oregon")
    assert [cities(good, 3), cities(good, 4)] == [["Atlanta"], ["Springfield"]]
    whole = ["Atlanta", "San Jose", "Springfield"]
    assert [cities(bad, 3), cities(bad, 4)] == [whole, whole]


def test_georgia_the_country_is_asked_and_answered_as_the_state(make: Make) -> None:
    good = build_candidates(make(**alone("short_lists")))
    bad = build_candidates(make(**alone("georgia_is_the_state")))
    assert good.country_prompts[1] == ("A Street View photo in Georgia.",)
    assert (good.country_codes[1], cities(good, 1)) == ("GE", ["Tbilisi"])
    assert bad.country_prompts[1] == bad.country_prompts[3]
    assert bad.country_prompts[1] == ("A Street View photo in Georgia, the United States.",)
    assert (bad.country_codes[1], cities(bad, 1)) == ("US", ["Atlanta"])


def test_a_list_that_the_table_leaves_short_is_filled_up_from_ours(make: Make) -> None:
    bad = build_candidates(make(**alone("short_lists")))
    good = build_candidates(make(**ALL_OFF))
    assert cities(bad, 0) == ["San Jose"]
    filled = cities(good, 0)
    assert len(filled) == len(set(filled)) == 30
    assert filled[0] == "San Jose"
    # Our table spells the capital otherwise, but it is the same town.
    assert "San José" not in filled
    assert "Limón" in filled
    assert set(good.country_codes) == {"CR", "GE", "AE", "US"}
    georgia = good.city_region[good.blocks[3]]
    assert len(georgia) == 30
    assert set(georgia.tolist()) == {"Georgia"}


def test_a_name_that_stands_twice_is_asked_twice_and_the_first_answers(make: Make) -> None:
    switches = {**alone("equal_names"), "whole_country_for_a_state": "true"}
    bad = build_candidates(make(**switches))
    good = build_candidates(make(**{**switches, "equal_names": "false"}))
    assert cities(bad, 3) == ["Atlanta", "San Jose", "Springfield", "Springfield"]
    assert cities(good, 3) == ["Atlanta", "San Jose", "Springfield"]
    assert bad.first_equal[bad.blocks[3]].tolist() == [3, 4, 5, 5]


def test_names_are_spelled_as_the_table_spells_them(make: Make) -> None:
    good, bad = (build_candidates(make(**alone(n))) for n in ("short_lists", "names_as_written"))
    assert bad.city_prompts[2] == ("A Street View photo from Al `Ayn.",)
    assert good.city_prompts[2] == ("A Street View photo from Al 'Ayn.",)


def test_scores_that_differ_less_than_fp16_tells_are_equal(make: Make) -> None:
    # The second country is nearer by a ten-thousandth, a tenth of what fp16 can tell at 100.
    close = torch.tensor([[1.0, 0.0], [0.9999, 0.0], [0.0, 1.0], [0.0, 1.0]])
    photograph = torch.tensor([[1.0, 0.0]])
    answers = []
    for name in ("short_lists", "half_precision"):
        candidates = build_candidates(make(states=False, **_without_states(alone(name))))
        bank = TextBank(close[[1, 0, 2, 3]], torch.ones(len(candidates.latlon), 2), prompts=0)
        answers.append(decode(photograph, bank, candidates, logit_scale=100.0))
    assert [answer.country_index.item() for answer in answers] == [1, 0]


def test_prompts_leave_articles_out(make: Make) -> None:
    good, bad = (build_candidates(make(**alone(n))) for n in ("short_lists", "no_articles"))
    assert good.country_prompts[2] == ("A Street View photo in the United Arab Emirates.",)
    assert bad.country_prompts[2] == ("A Street View photo in United Arab Emirates.",)


def test_distances_are_measured_on_a_rounder_sphere(make: Make) -> None:
    good, bad = (make(**alone(name)) for name in ("short_lists", "radius_6371"))
    assert (good.distance.radius_km, bad.distance.radius_km) == (6371.0088, 6371.0)
    assert good.distance.inclusive
    assert bad.distance.inclusive


@pytest.mark.parametrize("name", DEFECTS)
def test_every_switch_changes_the_digest_and_nothing_but_what_it_names(
    make: Make, name: str
) -> None:
    mended = make(**{**ALL_ON, name: "false"})
    assert mended.digest != make(**ALL_ON).digest
    assert set(mended.defects) == set(DEFECTS) - {name}


def test_the_order_of_switches_does_not_change_the_digest(make: Make) -> None:
    backwards = dict(reversed(ALL_ON.items()))
    assert make(**backwards).digest == make(**ALL_ON).digest


@pytest.mark.parametrize(
    ("switches", "problem"),
    [
        ({"georgia_is_a_state": "true"}, "did you mean 'georgia_is_the_state'"),
        ({"no_articles": "perhaps"}, "defects.no_articles: must be true or false, not 'perhaps'"),
    ],
)
def test_a_wrong_switch_is_named(make: Make, switches: dict[str, str], problem: str) -> None:
    with pytest.raises(ProtocolError, match=problem):
        make(**switches)


def test_a_switch_of_states_needs_states(make: Make) -> None:
    with pytest.raises(ProtocolError, match="georgia_is_the_state: has no effect where no country"):
        make(states=False, georgia_is_the_state="true")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("articles: true", "no_articles: sets articles, which is given too"),
        ("cities: {unique_names: true}", "equal_names: sets cities.unique_names, which is"),
        ("distance: {radius_km: 6400}", "radius_6371: sets distance.radius_km, which is given"),
        ("defects: [no_articles]", "defects: must map names to true or false"),
    ],
)
def test_a_setting_is_given_once(
    tmp_path: Path,
    write_cities: Callable[[Path, Sequence[Sequence[object]]], Path],
    text: str,
    problem: str,
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: reproduction\n{text}", encoding="utf-8")
    with pytest.raises(ProtocolError, match=problem):
        load_protocol(str(path), cities=write_cities(tmp_path / "cities.csv", TABLE))


def test_a_null_takes_a_switch_away_so_that_the_setting_can_be_given(
    tmp_path: Path, write_cities: Callable[[Path, Sequence[Sequence[object]]], Path]
) -> None:
    path = tmp_path / "mine.yaml"
    text = "extends: reproduction\ndefects: {radius_6371: null}\ndistance: {radius_km: 6400}"
    path.write_text(text, encoding="utf-8")
    protocol = load_protocol(str(path), cities=write_cities(tmp_path / "cities.csv", TABLE))
    assert protocol.distance.radius_km == 6400.0
    assert "radius_6371" not in protocol.defects


def _without_states(switches: dict[str, str]) -> dict[str, str]:
    return {name: on for name, on in switches.items() if DEFECTS[name].section != "regions"}
