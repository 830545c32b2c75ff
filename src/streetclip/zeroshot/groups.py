"""What the country stage asks: countries, regions in place of some, and the cities of each."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64

from streetclip.errors import ProtocolError
from streetclip.geo.countries import countries
from streetclip.geo.distance import haversine_km
from streetclip.geo.gazetteer import Gazetteer, load_gazetteer
from streetclip.zeroshot.prompts import fill
from streetclip.zeroshot.protocol import CitySelection, Protocol

# A town of another table this near to one that is chosen is taken for the same town.
_SAME_TOWN_KM = 10.0


@dataclass(frozen=True)
class Group:
    """One alternative of the country stage.

    Args:
        code: ISO code of its country.
        region: The region that it stands for, or ``""`` for all of the country.
        prompts: Several are an ensemble.
        rows: Its cities in the table of towns.
        towns: How many towns of the table it could choose from.
    """

    code: str
    region: str
    prompts: tuple[str, ...]
    rows: Int64[np.ndarray, " k"]
    towns: int


def choose_groups(protocol: Protocol, towns: Gazetteer) -> tuple[list[Group], Gazetteer]:
    """Choose the cities of each country, or of the regions that are asked in its place.

    Args:
        protocol: From `load_protocol`.
        towns: The table that it takes cities from.

    Returns:
        The groups in the order in which they are asked, and the table that their rows belong to:
        `towns`, with our own table below it where short lists are filled up.

    Raises:
        ProtocolError: A country that the protocol names, or a region, has no town.
    """
    lists = _Lists(towns, load_gazetteer() if protocol.cities.fill else None, protocol)
    groups = [group for code in protocol.countries for group in _groups_of(code, lists)]
    if protocol.regions.collide:
        groups = _collided(groups, protocol)
    empty = [group for group in groups if len(group.rows) == 0]
    if empty and not protocol.all_countries:
        raise ProtocolError(protocol.name, [_no_town(group) for group in empty])
    groups = [group for group in groups if len(group.rows)]
    if protocol.cities.total is not None:
        weights = [float(group.towns) ** 0.5 for group in groups]
        shares = share_out(protocol.cities.total, weights, [len(group.rows) for group in groups])
        pairs = zip(groups, shares, strict=True)
        groups = [replace(group, rows=group.rows[:share]) for group, share in pairs]
    return groups, lists.joined


def share_out(total: int, weights: Sequence[float], limits: Sequence[int]) -> list[int]:
    """Share out seats by highest averages (D'Hondt): one each first, no more than each can fill.

    Args:
        total: How many there are to give, should each have had its first.
        weights: What each has a claim by.
        limits: The most that each can take.

    Returns:
        One count each, at least 1; they sum to `total`, or to the number of weights if that is
        more, or to the sum of the limits if that is less.

    Example:
        >>> share_out(6, [100.0, 30.0, 1.0], [10, 10, 10])
        [4, 1, 1]
    """
    claims = [
        (-weight / (seat + 1), which)
        for which, (weight, limit) in enumerate(zip(weights, limits, strict=True))
        for seat in range(1, limit)
    ]
    shares = [1] * len(weights)
    for _, which in sorted(claims)[: max(total - len(weights), 0)]:
        shares[which] += 1
    return shares


class _Lists:
    """The cities of a country or region, from one table or, where that ends, another."""

    def __init__(self, towns: Gazetteer, spare: Gazetteer | None, protocol: Protocol) -> None:
        self.towns, self.spare, self.protocol = towns, spare, protocol
        self.joined = towns if spare is None else towns.joined(spare)

    def rows(self, code: str, region: str | None, count: int) -> Int64[np.ndarray, " k"]:
        """Rows of the joined table, most populous first, those of the spare table last."""
        cities = self.protocol.cities
        rows = self.towns.largest(
            code,
            count,
            spacing_km=cities.spacing_km,
            unique_names=cities.unique_names,
            region=region,
        )
        if self.spare is None or len(rows) >= count:
            return rows
        return self._filled(rows, self.spare, code, region, count, cities)

    def _filled(
        self,
        rows: Int64[np.ndarray, " j"],
        spare: Gazetteer,
        code: str,
        region: str | None,
        count: int,
        cities: CitySelection,
    ) -> Int64[np.ndarray, " k"]:
        apart_km = max(cities.spacing_km, _SAME_TOWN_KM)
        chosen = rows.tolist()
        names = {_spelled(self.towns.name[row]) for row in chosen}
        points = [self.towns.latlon[row] for row in chosen]
        for row in spare.rows_of(code).tolist():
            if len(chosen) >= count:
                break
            name, point = _spelled(spare.name[row]), spare.latlon[row]
            wrong_region = region is not None and spare.region[row] != region
            if wrong_region or name in names:
                continue
            if points and (haversine_km(np.stack(points), point) < apart_km).any():
                continue
            chosen.append(len(self.towns) + row)
            names.add(name)
            points.append(point)
        return np.array(chosen, dtype=np.int64)


def _groups_of(code: str, lists: _Lists) -> list[Group]:
    protocol, towns = lists.protocol, lists.towns
    regions, cities = protocol.regions, protocol.cities
    name, split = protocol.country_name(code), dict(regions.split)
    if code not in split:
        prompts = _filled_in(protocol.country_prompts, {"country": name})
        rows = lists.rows(code, None, cities.per_country)
        return [Group(code, "", prompts, rows, len(towns.rows_of(code)))]
    count = regions.per_region or cities.per_country
    member = towns.region[towns.rows_of(code)]
    whole = lists.rows(code, None, count) if regions.whole_country else None
    return [
        Group(
            code,
            region,
            _filled_in(regions.prompts, {"region": region, "country": name}),
            lists.rows(code, region, count) if whole is None else whole,
            int((member == region).sum()),
        )
        for region in split[code] or towns.regions_of(code)
    ]


def _collided(groups: Sequence[Group], protocol: Protocol) -> list[Group]:
    """A country that is called as a region becomes that region, where it stands."""
    regions = {group.region: group for group in groups if group.region}
    return [
        group if group.region else regions.get(protocol.country_name(group.code), group)
        for group in groups
    ]


def _spelled(name: str) -> str:
    """A name without case and accents, which tables keep or leave out."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _filled_in(patterns: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fill(pattern, values) for pattern in patterns)


def _no_town(group: Group) -> str:
    country = f"'{countries()[group.code].name}' ({group.code})"
    if group.region:
        return f"regions.split: '{group.region}' of {country} has no town"
    return f"countries: {country} has no town"
