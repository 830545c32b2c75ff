"""The places that a protocol asks for: its countries, their cities, and a prompt for each."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from streetclip.geo.gazetteer import Gazetteer, load_gazetteer
from streetclip.zeroshot.groups import Group, choose_groups
from streetclip.zeroshot.prompts import fill
from streetclip.zeroshot.protocol import Protocol
from streetclip.zeroshot.settings import Rule


def _no_rows() -> Int64[np.ndarray, " 0"]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Candidates:
    """Countries, and their cities in blocks, one block a country in the order of the countries.

    Where a protocol asks for regions in place of a country, each of them is a country of its own
    here, with the code of the country that it belongs to.

    Args:
        country_codes: ISO codes; a code stands once for each region that is asked in its place.
        country_prompts: The prompts of each country; more than one is an ensemble.
        city_id: Identifiers of the gazetteer.
        city_name: Names of the gazetteer.
        city_region: First-order administrative areas, ``""`` where unknown.
        country_index: Position of each city's country in `country_codes`.
        latlon: Latitude and longitude of each city in degrees.
        city_prompts: The prompts of each city.
        country_regions: The region that each country stands for, ``""`` for all of it; none at
            all where no country is asked by region.
        region_prompts: The prompts of the regions that are asked between country and city, in
            blocks, one block a country; none where there is no such stage.
        region_index: Position of each city's region in `region_prompts`, if there are any.
        rule: How an answer is chosen among them.
    """

    country_codes: tuple[str, ...]
    country_prompts: tuple[tuple[str, ...], ...]
    city_id: Int64[np.ndarray, " m"]
    city_name: Shaped[np.ndarray, " m"]
    city_region: Shaped[np.ndarray, " m"]
    country_index: Int64[np.ndarray, " m"]
    latlon: Float64[np.ndarray, "m 2"]
    city_prompts: tuple[tuple[str, ...], ...]
    country_regions: tuple[str, ...] = ()
    region_prompts: tuple[tuple[str, ...], ...] = ()
    region_index: Int64[np.ndarray, " _"] = field(default_factory=_no_rows)
    rule: Rule = field(default_factory=Rule)

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where the cities of each country stand."""
        starts = np.searchsorted(self.country_index, np.arange(len(self.country_codes) + 1))
        return tuple(slice(int(first), int(last)) for first, last in pairwise(starts))

    @cached_property
    def region_blocks(self) -> tuple[slice, ...]:
        """Where the regions of each country stand, if there is a region stage."""
        asked = [self.region_index[block] for block in self.blocks if self.region_prompts]
        return tuple(slice(int(index.min()), int(index.max()) + 1) for index in asked)

    @cached_property
    def first_equal(self) -> Int64[np.ndarray, " m"]:
        """The first city of the same country, and region, that is asked for in the same words.

        Equal words get equal scores, up to the rounding of a matrix product, which depends on the
        position of a column; scores are taken from here so that the lowest index wins.
        """
        regions = self.region_index.tolist() or [0] * len(self.city_prompts)
        return _first(zip(self.country_index.tolist(), regions, self.city_prompts, strict=True))

    @cached_property
    def first_equal_country(self) -> Int64[np.ndarray, " c"]:
        """The first country that is asked for in the same words."""
        return _first(self.country_prompts)

    @cached_property
    def first_equal_point(self) -> Int64[np.ndarray, " m"]:
        """The first city that lies at the same place."""
        return _first(map(tuple, self.latlon.tolist()))

    @cached_property
    def first_of_code(self) -> Int64[np.ndarray, " c"]:
        """The first country with the same code."""
        return _first(self.country_codes)

    @cached_property
    def distinct_prompts(self) -> tuple[str, ...]:
        """Every prompt once, in the order of first use."""
        groups = (*self.country_prompts, *self.region_prompts, *self.city_prompts)
        return tuple(dict.fromkeys(chain.from_iterable(groups)))

    @cached_property
    def kept(self) -> dict[str, object]:
        """What decoding computes from these places once, for as long as they live."""
        return {}


def build_candidates(protocol: Protocol, *, gazetteer: Gazetteer | None = None) -> Candidates:
    """Choose the cities of a protocol and write its prompts.

    Args:
        protocol: From `load_protocol`.
        gazetteer: A table of towns; None is the one that the protocol names, or else the one of
            this package.

    Returns:
        The candidates; a country with no town is left out if the protocol says ``all``.

    Raises:
        ProtocolError: A country that the protocol names has no town.

    Example:
        >>> from streetclip.zeroshot.protocol import load_protocol
        >>> candidates = build_candidates(load_protocol("quickstart"))
        >>> candidates.country_prompts[candidates.country_codes.index("NL")]
        ('A Street View photo in the Netherlands.',)
        >>> len(candidates.distinct_prompts) <= 1500
        True
    """
    towns = gazetteer
    if towns is None:
        towns = load_gazetteer() if protocol.table is None else protocol.table.towns
    groups, joined = choose_groups(protocol, towns)
    rows = np.concatenate([*(group.rows for group in groups), _no_rows()])
    index = np.repeat(np.arange(len(groups), dtype=np.int64), [len(group.rows) for group in groups])
    region_prompts, region_index = _region_stage(protocol, groups, joined)
    return Candidates(
        country_codes=tuple(group.code for group in groups),
        country_prompts=tuple(group.prompts for group in groups),
        city_id=joined.id[rows],
        city_name=joined.name[rows],
        city_region=joined.region[rows],
        country_index=index,
        latlon=joined.latlon[
            _found_by_name(towns, joined, rows) if protocol.cities.by_name else rows
        ],
        city_prompts=tuple(
            _city_prompts(protocol, joined, row, groups[country].code)
            for row, country in zip(rows.tolist(), index.tolist(), strict=True)
        ),
        country_regions=tuple(group.region for group in groups),
        region_prompts=region_prompts,
        region_index=region_index,
        rule=protocol.rule,
    )


def _first(keys: Iterable[Hashable]) -> Int64[np.ndarray, " k"]:
    """For each key the position of the first that equals it."""
    first: dict[Hashable, int] = {}
    return np.array([first.setdefault(key, row) for row, key in enumerate(keys)], dtype=np.int64)


def _found_by_name(
    towns: Gazetteer, joined: Gazetteer, rows: Int64[np.ndarray, " m"]
) -> Int64[np.ndarray, " m"]:
    """The first row of the table with the name of each city, whatever its country."""
    first = dict(zip(towns.name[::-1].tolist(), range(len(towns) - 1, -1, -1), strict=True))
    found = [first.get(joined.name[row], row) for row in rows.tolist()]
    return np.array(found, dtype=np.int64)


def _region_stage(
    protocol: Protocol, groups: Sequence[Group], towns: Gazetteer
) -> tuple[tuple[tuple[str, ...], ...], Int64[np.ndarray, " _"]]:
    """Prompts of the regions of all groups' cities, and the position of each city's region."""
    if not protocol.regions.stage:
        return (), _no_rows()
    prompts: list[tuple[str, ...]] = []
    index: list[int] = []
    for group in groups:
        names = ["" if group.region else str(name) for name in towns.region[group.rows]]
        place = {name: len(prompts) + i for i, name in enumerate(dict.fromkeys(names))}
        index += [place[name] for name in names]
        country = protocol.country_name(group.code)
        prompts += [
            # What has no region, or is one, is asked for as the group itself.
            tuple(
                fill(pattern, {"region": name, "country": country})
                for pattern in protocol.regions.prompts
            )
            if name
            else group.prompts
            for name in place
        ]
    return tuple(prompts), np.array(index, dtype=np.int64)


def _city_prompts(protocol: Protocol, towns: Gazetteer, row: int, code: str) -> tuple[str, ...]:
    values = {
        "city": towns.name[row],
        "region": towns.region[row],
        "country": protocol.country_name(code),
    }
    plain = not protocol.cities.as_written
    return tuple(fill(pattern, values, plain=plain) for pattern in protocol.city_prompts)
