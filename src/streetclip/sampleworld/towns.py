"""Which countries are photographed, which towns of theirs, and for which half of the data."""

import bisect
import hashlib
import math
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

from streetclip.errors import InputError
from streetclip.geo.countries import countries
from streetclip.geo.gazetteer import load_gazetteer
from streetclip.sampleworld.dice import Dice

TOWNS_PER_COUNTRY = 160
SPACING_KM = 6.0
VAL_SHARE = 0.25
CITY_POPULATION = 15_000
SPLITS = ("train", "val", "all")


@dataclass(frozen=True, slots=True)
class Town:
    """A town that can be photographed; see `streetclip.geo.gazetteer` for the fields."""

    id: int
    name: str
    country: str
    region: str
    latitude: float
    longitude: float
    population: int


@cache
def ranked_countries() -> tuple[str, ...]:
    """All countries with towns, those first that a photographer would visit first.

    Seats are given one after the other: the next goes to the continent with the largest
    (cube root of its urban population) / (seats so far + 1), and that continent fills it with its
    country of the largest urban population. Urban means towns of 15,000 or more.

    Example:
        >>> len(set(ranked_countries()[:6]))
        6
    """
    urban = _urban_population()
    queues: dict[str, list[str]] = {}
    for code in sorted(urban, key=lambda code: (-urban[code], code)):
        queues.setdefault(countries()[code].continent, []).append(code)
    weight = {name: sum(urban[code] for code in queue) for name, queue in queues.items()}
    seats = dict.fromkeys(queues, 0)
    order: list[str] = []
    while any(seats[name] < len(queue) for name, queue in queues.items()):
        waiting = [name for name, queue in queues.items() if seats[name] < len(queue)]
        best = max(waiting, key=lambda name: (weight[name] ** (1 / 3) / (seats[name] + 1), name))
        order.append(queues[best][seats[best]])
        seats[best] += 1
    return tuple(order)


def _urban_population() -> dict[str, int]:
    gazetteer = load_gazetteer()
    urban = dict.fromkeys(gazetteer.country.tolist(), 0)
    rows = zip(gazetteer.country.tolist(), gazetteer.population.tolist(), strict=True)
    for code, population in rows:
        urban[code] += population if population >= CITY_POPULATION else 0
    return {code: population for code, population in urban.items() if code in countries()}


@cache
def towns_of(code: str, split: str) -> tuple[Town, ...]:
    """The largest towns of a country that belong to a half of the data.

    The towns are put in the order of a hash of their id, and the first quarter is for validation:
    a town never changes sides with the seed, and is never on both. The only town of a country is
    for training.

    Args:
        code: ISO 3166-1 alpha-2.
        split: `train`, `val` or `all`.

    Returns:
        The towns; none where a country has too few for this half.

    Raises:
        InputError: There is no such half.
    """
    if split not in SPLITS:
        raise InputError("no such half of the towns", got=split, allowed=", ".join(SPLITS))
    towns = sorted(_largest(code), key=lambda town: hashlib.sha256(b"%d" % town.id).digest())
    border = math.ceil(len(towns) * VAL_SHARE) if len(towns) > 1 else 0
    return tuple({"train": towns[border:], "val": towns[:border], "all": towns}[split])


@cache
def _largest(code: str) -> tuple[Town, ...]:
    gazetteer = load_gazetteer()
    rows = gazetteer.largest(code, TOWNS_PER_COUNTRY, spacing_km=SPACING_KM)
    return tuple(
        Town(
            id=int(gazetteer.id[row]),
            name=str(gazetteer.name[row]),
            country=code,
            region=str(gazetteer.region[row]),
            latitude=float(gazetteer.latitude[row]),
            longitude=float(gazetteer.longitude[row]),
            population=int(gazetteer.population[row]),
        )
        for row in rows.tolist()
    )


@cache
def _cumulative(towns: tuple[Town, ...]) -> list[float]:
    return list(accumulate(math.sqrt(max(town.population, 1000)) for town in towns))


def draw_town(dice: Dice, code: str, split: str) -> Town:
    """One town of a country, large ones more often: the weight is the root of the population.

    Args:
        dice: Where the draw comes from.
        code: ISO 3166-1 alpha-2, a country that has towns in this half.
        split: `train`, `val` or `all`.
    """
    towns = towns_of(code, split)
    marks = _cumulative(towns)
    return towns[min(bisect.bisect(marks, dice.between(0, marks[-1])), len(towns) - 1)]
