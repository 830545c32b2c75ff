"""Which places are asked for, in which words."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from streetclip.errors import ProtocolError
from streetclip.geo.gazetteer import Gazetteer, load_gazetteer
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import CitySelection, Protocol, Regions


def names(candidates: Candidates) -> list[str]:
    return [str(name) for name in candidates.city_name]


def test_cities_stand_in_blocks_by_country_most_populous_first(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    assert candidates.country_codes == ("FR", "SG", "US")
    assert candidates.country_index.tolist() == [0, 0, 0, 1, 2, 2, 2]
    assert names(candidates)[:4] == ["Paris", "Boulogne", "Lyon", "Singapore"]
    assert candidates.blocks == (slice(0, 3), slice(3, 4), slice(4, 7))
    assert candidates.latlon[3].tolist() == [1.29, 103.85]


def test_prompts_name_region_and_article(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    assert candidates.country_prompts[2] == ("In the United States.",)
    assert candidates.city_prompts[3] == ("Near Singapore in Singapore.",)
    assert candidates.city_prompts[6] == ("Near Boston in Massachusetts in the United States.",)


def test_crowded_and_equal_names_are_passed_over_where_the_protocol_says_so(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    cities = CitySelection(spacing_km=20.0, unique_names=True)
    protocol = small_protocol(cities=cities)
    candidates = build_candidates(protocol, gazetteer=towns)
    assert names(candidates) == ["Paris", "Lyon", "Singapore", "Springfield", "Boston"]


def test_an_equal_prompt_is_asked_once_and_the_first_city_answers(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    protocol = small_protocol(city_prompts=("From {city}.",))
    candidates = build_candidates(protocol, gazetteer=towns)
    assert candidates.first_equal.tolist() == [0, 1, 2, 3, 4, 4, 6]
    assert len(candidates.distinct_prompts) == 3 + 6


def test_equal_names_of_two_countries_stay_two_candidates(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    table = replace(towns, name=np.array(["Georgetown"] * 7, dtype=object))
    protocol = small_protocol(city_prompts=("From {city}.",))
    assert (
        build_candidates(protocol, gazetteer=table).first_equal.tolist() == [0] * 3 + [3] + [4] * 3
    )


def test_a_named_country_without_a_town_is_a_problem(
    small_protocol: Callable[..., Protocol],
) -> None:
    protocol = small_protocol(countries=("FR", "AQ"))
    with pytest.raises(ProtocolError, match=r"'Antarctica' \(AQ\) has no town"):
        build_candidates(protocol)


def test_all_countries_leaves_out_those_without_a_town(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    protocol = replace(small_protocol(countries=("AQ", "FR")), all_countries=True)
    candidates = build_candidates(protocol, gazetteer=towns)
    assert candidates.country_codes == ("FR",)


def test_the_quickstart_asks_every_country_in_1500_prompts_or_fewer(
    shipped_candidates: Callable[[str], Candidates],
) -> None:
    candidates = shipped_candidates("quickstart")
    assert len(candidates.distinct_prompts) <= 1500
    assert set(candidates.country_codes) == set(load_gazetteer().country)
    assert set(candidates.country_index.tolist()) == set(range(len(candidates.country_codes)))


@pytest.mark.parametrize("name", ["paper", "quickstart", "streetclip"])
def test_every_city_lies_in_the_country_of_its_block(
    shipped_candidates: Callable[[str], Candidates], name: str
) -> None:
    candidates, towns = shipped_candidates(name), load_gazetteer()
    country = dict(zip(towns.id.tolist(), towns.country, strict=True))
    for code, block in zip(candidates.country_codes, candidates.blocks, strict=True):
        assert 1 <= block.stop - block.start <= 30
        assert {country[number] for number in candidates.city_id[block].tolist()} == {code}


def test_regions_between_country_and_city_stand_in_blocks(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    regions = Regions(stage=True, prompts=("In {region}, {country}.",))
    candidates = build_candidates(small_protocol(regions=regions), gazetteer=towns)
    assert candidates.region_prompts == (
        ("In Île-de-France, France.",),
        ("In Auvergne, France.",),
        # Singapore has no region, and is asked for as the country.
        ("In Singapore.",),
        ("In Illinois, the United States.",),
        ("In Missouri, the United States.",),
        ("In Massachusetts, the United States.",),
    )
    assert candidates.region_index.tolist() == [0, 0, 1, 2, 3, 4, 5]
    assert candidates.region_blocks == (slice(0, 2), slice(2, 3), slice(3, 6))
    assert set(candidates.region_prompts[0]) <= set(candidates.distinct_prompts)


def test_equal_words_in_two_regions_stay_two_candidates(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    regions = Regions(stage=True, prompts=("In {region}, {country}.",))
    protocol = small_protocol(regions=regions, city_prompts=("From {city}.",))
    candidates = build_candidates(protocol, gazetteer=towns)
    assert candidates.first_equal.tolist() == list(range(7))


def test_a_country_that_is_asked_by_region_has_its_code_at_each(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    regions = Regions(split=(("US", ()),), prompts=("In {region}, {country}.",))
    candidates = build_candidates(small_protocol(regions=regions), gazetteer=towns)
    assert candidates.country_codes == ("FR", "SG", "US", "US", "US")
    assert candidates.country_regions == ("", "", "Illinois", "Missouri", "Massachusetts")
    assert candidates.first_of_code.tolist() == [0, 1, 2, 2, 2]
    assert candidates.country_prompts[4] == ("In Massachusetts, the United States.",)
    assert names(candidates)[4:] == ["Springfield", "Springfield", "Boston"]


def test_our_own_protocol_asks_large_countries_by_region(
    shipped_candidates: Callable[[str], Candidates],
) -> None:
    candidates = shipped_candidates("streetclip")
    codes = [code for code in candidates.country_codes if candidates.country_codes.count(code) > 1]
    assert {code: codes.count(code) for code in set(codes)} == {
        "US": 51, "CA": 13, "AU": 8, "BR": 27
    }  # fmt: skip
    assert len({len(prompts) for prompts in candidates.country_prompts}) == 1
    assert len(candidates.country_prompts[0]) == 3
    assert len(candidates.distinct_prompts) < 8_500
