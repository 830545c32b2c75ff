"""The parts of a protocol: which cities, which regions, how an answer is chosen, what is near."""

from dataclasses import dataclass

from streetclip.geo.distance import EARTH_RADIUS_KM

DECODINGS = ("greedy", "beam", "expected")
LOSSES = ("distance", "geoscore")


@dataclass(frozen=True, slots=True)
class CitySelection:
    """Which cities of a country are candidates.

    Args:
        per_country: At most so many, the most populous first.
        total: At most so many in all countries together, or None; each country keeps one, the
            others go by the square root of a country's number of towns.
        spacing_km: A city nearer than this to a more populous candidate is passed over.
        unique_names: Whether a city whose name is taken within the country is passed over.
        fill: Whether a list that a user's table leaves short is filled up from our own.
        by_name: Whether a city lies where the first row of its name in the whole table lies.
        as_written: Whether prompts spell cities as the table does, grave accents included.
    """

    per_country: int = 30
    total: int | None = None
    spacing_km: float = 0.0
    unique_names: bool = True
    fill: bool = False
    by_name: bool = False
    as_written: bool = False


@dataclass(frozen=True, slots=True)
class Regions:
    """Where first-order administrative areas are asked for.

    Args:
        split: Countries in whose place the country stage asks their regions: code, and the names
            of the regions, none for all that have a town.
        prompts: Patterns with ``{region}`` and ``{country}``; several are averaged.
        per_region: Cities of a region that stands for its country; None as many as of a country.
        stage: Whether the other countries' regions are asked between country and city.
        whole_country: Whether a region gets the cities of its whole country.
        collide: Whether a country that is called as a region of a split country is asked, and
            answered, as that region.
    """

    split: tuple[tuple[str, tuple[str, ...]], ...] = ()
    prompts: tuple[str, ...] = ()
    per_region: int | None = None
    stage: bool = False
    whole_country: bool = False
    collide: bool = False


@dataclass(frozen=True, slots=True)
class Beam:
    """Which countries a joint search goes through.

    Args:
        countries: The best so many, or None for all; a region that is asked in place of its
            country counts as one.
    """

    countries: int | None = 10


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answered point shall make small on average.

    Args:
        loss: ``distance``, or ``geoscore`` for what is lost of the best GeoScore.
        countries: Only the cities of the best so many countries are possible, or None for all.
    """

    loss: str = "distance"
    countries: int | None = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """How an answer is chosen among candidates.

    Args:
        kind: One of `DECODINGS`.
        countries: How many of the best countries are looked at; None looks at all.
        loss: Of ``expected``, one of `LOSSES`.
        half_precision: Whether features and scores are rounded to fp16.
        radius_km: Of the sphere that expected distances are measured on.
    """

    kind: str = "greedy"
    countries: int | None = 1
    loss: str = "distance"
    half_precision: bool = False
    radius_km: float = EARTH_RADIUS_KM


@dataclass(frozen=True, slots=True)
class Distance:
    """What counts as near.

    Args:
        radius_km: Radius of the sphere that distances are measured on.
        inclusive: Whether a photograph exactly at a radius counts as within it.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded to a whole number.
    """

    radius_km: float = EARTH_RADIUS_KM
    inclusive: bool = True
    geoscore_rounded: bool = False
