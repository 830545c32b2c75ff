"""How the streets of a country look: a table of about a hundred, and a rule for the others."""

import csv
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from streetclip.geo.countries import countries
from streetclip.sampleworld.dice import Dice

_TABLE = Path(__file__).parent / "tables" / "looks.csv"

# Countries that the table leaves out and whose signs are not in Latin letters.
_SCRIPTS = {
    "cyrillic": "MN MK KG TJ ME",
    "arabic": "JO KW QA BH OM LY PS MR KM DJ EH",
    "greek": "CY",
    "thai": "LA",
    "ethiopic": "ER",
    "han": "MO",
    "devanagari": "BT",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What all streets of a country have in common; words are those of `tables/looks.csv`.

    Args:
        code: ISO 3166-1 alpha-2.
        drives_left: Whether traffic keeps to the left.
        script: Family of letters on signs.
        center: Color and style of the line in the middle of the road, or `none`.
        edge: Color of the lines at its edges, or `none`.
        walls: Colors of houses; a region favors one of them.
        roof: `flat`, `gable` (ridge along the street), `front` (gable to the street), `hip`,
            `mansard`, `pagoda`, `dome` or `shed`.
        roof_color: Color of roofs.
        windows: Form of windows.
        texture: What walls are made of.
        floors: Fewest and most floors of houses in a small town.
        fence: Between pavement and gardens.
        pole: Material of poles and number of crossarms, or `none`.
        curb: Colors of the curb, or `plain` or `none`.
        bollard: Colors of posts at the road, or `none`.
        sign: Color of direction signs.
        warning: Form of warning signs.
        plate: Colors of number plates, front and rear.
        traffic: Kinds of vehicles, the commonest first.
        taxi: Color of taxis.
        lamp: Form of street lamps.
        density: Share of the street that is built on, up to 1.
    """

    code: str
    drives_left: bool
    script: str
    center: str
    edge: str
    walls: tuple[str, ...]
    roof: str
    roof_color: str
    windows: str
    texture: str
    floors: tuple[int, int]
    fence: str
    pole: str
    curb: str
    bollard: str
    sign: str
    warning: str
    plate: str
    traffic: tuple[str, ...]
    taxi: str
    lamp: str
    density: float


def look_of(code: str) -> Look:
    """The look of a country.

    A country without a row borrows one of its continent and changes several of its traits, always
    in the same way; script and driving side are its own.

    Args:
        code: ISO 3166-1 alpha-2.

    Example:
        >>> look_of("GB").drives_left, look_of("JP").script, look_of("NL").plate
        (True, 'kana', 'yellow')
    """
    known = looks()
    return known[code] if code in known else _borrowed(code)


@cache
def looks() -> dict[str, Look]:
    """The rows of the table by country code."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["code"]: _look(row) for row in csv.DictReader(file)}


def _look(row: dict[str, str]) -> Look:
    low, high = row["floors"].split("-")
    return Look(
        code=row["code"],
        drives_left=countries()[row["code"]].drives_left,
        script=row["script"],
        center=row["center"],
        edge=row["edge"],
        walls=tuple(row["walls"].split("+")),
        roof=row["roof"],
        roof_color=row["roof_color"],
        windows=row["windows"],
        texture=row["texture"],
        floors=(int(low), int(high)),
        fence=row["fence"],
        pole=row["pole"],
        curb=row["curb"],
        bollard=row["bollard"],
        sign=row["sign"],
        warning=row["warning"],
        plate=row["plate"],
        traffic=tuple(row["traffic"].split("+")),
        taxi=row["taxi"],
        lamp=row["lamp"],
        density=float(row["density"]),
    )


def _borrowed(code: str) -> Look:
    country, known = countries()[code], looks()
    near = [look for key, look in known.items() if countries()[key].continent == country.continent]
    dice, everywhere = Dice("look", code), list(known.values())
    script = next((name for name, codes in _SCRIPTS.items() if code in codes.split()), "latin")
    return replace(
        dice.choice(near or everywhere),
        code=code,
        drives_left=country.drives_left,
        script=script,
        curb=dice.choice(everywhere).curb,
        pole=dice.choice(everywhere).pole,
        walls=dice.choice(near or everywhere).walls,
        bollard=dice.choice(everywhere).bollard,
        taxi=dice.choice(everywhere).taxi,
        plate=dice.choice(everywhere).plate,
    )
