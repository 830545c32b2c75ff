"""The places that a protocol asks for: its countries, their cities, and a prompt for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from streetclip.errors import ProtocolError
from streetclip.geo.countries import countries
from streetclip.geo.gazetteer import Gazetteer, load_gazetteer
from streetclip.zeroshot.prompts import fill
from streetclip.zeroshot.protocol import CitySelection, Protocol


@dataclass(frozen=True)
class Candidates:
    """Countries, and their cities in blocks, one block a country in the order of the countries.

    Args:
        country_codes: ISO codes.
        country_prompts: The prompts of each country; more than one is an ensemble.
        city_id: Identifiers of the gazetteer.
        city_name: Names of the gazetteer.
        city_region: First-order administrative areas, ``""`` where unknown.
        country_index: Position of each city's country in `country_codes`.
        latlon: Latitude and longitude of each city in degrees.
        city_prompts: The prompts of each city.
    """

    country_codes: tuple[str, ...]
    country_prompts: tuple[tuple[str, ...], ...]
    city_id: Int64[np.ndarray, " m"]
    city_name: Shaped[np.ndarray, " m"]
    city_region: Shaped[np.ndarray, " m"]
    country_index: Int64[np.ndarray, " m"]
    latlon: Float64[np.ndarray, "m 2"]
    city_prompts: tuple[tuple[str, ...], ...]

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where the cities of each country stand."""
        starts = np.searchsorted(self.country_index, np.arange(len(self.country_codes) + 1))
        return tuple(slice(int(first), int(last)) for first, last in pairwise(starts))

    @cached_property
    def first_equal(self) -> Int64[np.ndarray, " m"]:
        """The first city of the same country that is asked for in the same words.

        Equal words get equal scores, up to the rounding of a matrix product, which depends on the
        position of a column; answers are mapped through this so that the lowest index wins.
        """
        first: dict[tuple[int, tuple[str, ...]], int] = {}
        asked = zip(self.country_index.tolist(), self.city_prompts, strict=True)
        return np.array(
            [first.setdefault(key, row) for row, key in enumerate(asked)], dtype=np.int64
        )

    @cached_property
    def distinct_prompts(self) -> tuple[str, ...]:
        """Every prompt once, in the order of first use."""
        prompts = chain.from_iterable((*self.country_prompts, *self.city_prompts))
        return tuple(dict.fromkeys(prompts))


def build_candidates(protocol: Protocol, *, gazetteer: Gazetteer | None = None) -> Candidates:
    """Choose the cities of a protocol and write its prompts.

    Args:
        protocol: From `load_protocol`.
        gazetteer: A table of towns; None is the one of this package.

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
    towns = load_gazetteer() if gazetteer is None else gazetteer
    rows = {code: _largest(towns, code, protocol.cities) for code in protocol.countries}
    empty = [code for code in protocol.countries if len(rows[code]) == 0]
    if empty and not protocol.all_countries:
        problems = [f"countries: '{countries()[c].name}' ({c}) has no town" for c in empty]
        raise ProtocolError(protocol.name, problems)
    codes = tuple(code for code in protocol.countries if code not in empty)
    if protocol.cities.total is not None:
        sizes = [len(rows[code]) for code in codes]
        weights = [float(len(towns.rows_of(code))) ** 0.5 for code in codes]
        shares = share_out(protocol.cities.total, weights, sizes)
        rows = {code: rows[code][:share] for code, share in zip(codes, shares, strict=True)}
    return _candidates(protocol, towns, codes, [rows[code] for code in codes])


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


def _largest(towns: Gazetteer, code: str, cities: CitySelection) -> Int64[np.ndarray, " k"]:
    return towns.largest(
        code,
        cities.per_country,
        spacing_km=cities.spacing_km,
        unique_names=cities.unique_names,
    )


def _candidates(
    protocol: Protocol,
    towns: Gazetteer,
    codes: tuple[str, ...],
    rows: Sequence[Int64[np.ndarray, " _"]],
) -> Candidates:
    index = np.repeat(np.arange(len(codes), dtype=np.int64), [len(block) for block in rows])
    chosen = np.concatenate([*rows, np.empty(0, dtype=np.int64)])
    names = [protocol.country_name(code) for code in codes]
    return Candidates(
        country_codes=codes,
        country_prompts=tuple(
            tuple(fill(pattern, {"country": name}) for pattern in protocol.country_prompts)
            for name in names
        ),
        city_id=towns.id[chosen],
        city_name=towns.name[chosen],
        city_region=towns.region[chosen],
        country_index=index,
        latlon=towns.latlon[chosen],
        city_prompts=tuple(
            _city_prompts(protocol, towns, row, names[country])
            for row, country in zip(chosen.tolist(), index.tolist(), strict=True)
        ),
    )


def _city_prompts(protocol: Protocol, towns: Gazetteer, row: int, country: str) -> tuple[str, ...]:
    values = {"city": towns.name[row], "region": towns.region[row], "country": country}
    return tuple(fill(pattern, values) for pattern in protocol.city_prompts)
