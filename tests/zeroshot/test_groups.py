"""The alternatives of the country stage, and how many cities each gets."""

from collections.abc import Callable

import pytest

from streetclip.errors import ProtocolError
from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.groups import choose_groups, share_out
from streetclip.zeroshot.protocol import CitySelection, Protocol, Regions

PROMPTS = ("In {region}, {country}.",)


def test_a_region_has_as_many_cities_as_a_country_unless_it_is_told_otherwise(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    counts = []
    for per_region in (None, 1):
        regions = Regions(split=(("FR", ()),), prompts=PROMPTS, per_region=per_region)
        groups, _ = choose_groups(small_protocol(regions=regions), towns)
        counts.append([(group.region, len(group.rows), group.towns) for group in groups[:2]])
    assert counts[0] == [("Île-de-France", 2, 2), ("Auvergne", 1, 1)]
    assert counts[1] == [("Île-de-France", 1, 2), ("Auvergne", 1, 1)]


def test_only_the_regions_that_are_named_are_asked(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    regions = Regions(split=(("US", ("Missouri",)),), prompts=PROMPTS)
    groups, _ = choose_groups(small_protocol(regions=regions), towns)
    assert [(group.code, group.region) for group in groups] == [
        ("FR", ""),
        ("SG", ""),
        ("US", "Missouri"),
    ]


def test_a_region_without_a_town_is_a_problem(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    regions = Regions(split=(("US", ("Ohio",)),), prompts=PROMPTS)
    with pytest.raises(ProtocolError, match=r"'Ohio' of 'United States' \(US\) has no town"):
        choose_groups(small_protocol(regions=regions), towns)


def test_seats_are_shared_out_among_regions_too(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    regions = Regions(split=(("FR", ()),), prompts=PROMPTS)
    protocol = small_protocol(regions=regions, cities=CitySelection(total=5, unique_names=False))
    groups, _ = choose_groups(protocol, towns)
    # Each keeps one; the fifth goes to the USA, three towns: root 3 / 2 against root 2 / 2.
    assert [len(group.rows) for group in groups] == [1, 1, 1, 2]


def test_seats_go_by_highest_averages() -> None:
    # 100 / 1, 100 / 2, 60 / 1 ... with a first seat each: quotients 50, 33.3, 30, 25, 20, 20.
    assert share_out(5, [100.0, 60.0], [9, 9]) == [3, 2]
    assert share_out(6, [100.0, 60.0], [9, 9]) == [4, 2]


def test_seats_stop_at_the_limits_and_each_keeps_one() -> None:
    assert share_out(100, [5.0, 5.0], [2, 3]) == [2, 3]
    assert share_out(1, [5.0, 1.0, 1.0], [9, 9, 9]) == [1, 1, 1]
