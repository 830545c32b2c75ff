"""What a place looks like at a moment: facts become the parameters of one scene.

Everything here is a pure function of the facts. What belongs to the place (its country's look, its
region's taste, climate, sun) comes from tables and hashes of names; what does not (weather, hour,
camera, exposure) is drawn from a stream that is keyed by seed and photograph.
"""

from dataclasses import dataclass

from streetclip.sampleworld.climate import Climate, climate_at, is_dry, season
from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.looks import Look, look_of
from streetclip.sampleworld.sun import Sun, lit_hours, sun_at
from streetclip.sampleworld.towns import Town, draw_town

JITTER_DEG = 0.004


@dataclass(frozen=True, slots=True)
class Facts:
    """What a photograph's metadata says, and the key of its draws.

    Args:
        seed: Of the whole set.
        index: Running number of the photograph.
        town: Where it was taken.
        latitude: Degrees north, within half a kilometer of the town.
        longitude: Degrees east.
        heading: Of the camera, whole degrees clockwise from north.
        month: 1 to 12.
    """

    seed: int
    index: int
    town: Town
    latitude: float
    longitude: float
    heading: int
    month: int

    def dice(self, part: str) -> Dice:
        """The draws for a part of the scene; another part has a stream of its own."""
        return Dice("photo", self.seed, self.index, part)


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the camera stands and looks, relative to the street.

    Args:
        height_m: Above the road.
        lateral_m: Right of the middle of the road.
        yaw_deg: To the right of the street's direction.
        pitch: How far below the middle the horizon lies, as a share of the image.
        focal: Focal length as a share of the image's side.
    """

    height_m: float
    lateral_m: float
    yaw_deg: float
    pitch: float
    focal: float


@dataclass(frozen=True, slots=True)
class Scene:
    """The parameters of one photograph.

    Args:
        facts: What the metadata says.
        look: Of the country.
        climate: Of the point.
        season: Winter, spring, summer or autumn, on that half of the Earth.
        snow: Whether snow lies.
        dry: Whether grass is dry.
        hour: Solar time, 0 to 24.
        sun: Where the sun stands.
        weather: `clear`, `cloudy`, `overcast`, `rain` or `fog`.
        wall_weights: How common each wall color of the look is in the region.
        accent: Color word that the region's signs and street furniture share.
        road_half_m: Half the width of the road.
        pavement_m: Width of the pavement.
        camera: Where the camera stands.
        gains: Exposure and white balance, a factor for red, green and blue.
        contrast: Around middle gray.
    """

    facts: Facts
    look: Look
    climate: Climate
    season: str
    snow: bool
    dry: bool
    hour: float
    sun: Sun
    weather: str
    wall_weights: tuple[float, ...]
    accent: str
    road_half_m: float
    pavement_m: float
    camera: Camera
    gains: tuple[float, float, float]
    contrast: float

    @property
    def city(self) -> float:
        """How much of a city the town is: 0 for 10,000 inhabitants, 1 for 3 million and more."""
        population, steps = max(self.facts.town.population, 1), 0.0
        for mark in (20_000, 50_000, 150_000, 500_000, 1_500_000):
            steps += population >= mark
        return steps / 5

    @property
    def road_heading(self) -> float:
        """Where the street goes, degrees clockwise from north."""
        return self.facts.heading - self.camera.yaw_deg


ACCENTS = ("red", "blue", "green", "yellow", "orange", "purple", "turquoise", "white")


def draw_facts(seed: int, index: int, codes: tuple[str, ...], split: str) -> Facts:
    """Decide where and when a photograph of a set is taken.

    The countries take turns, in an order that is shuffled for every round.

    Args:
        seed: Of the whole set.
        index: Running number of the photograph.
        codes: Countries that are photographed.
        split: `train`, `val` or `all` towns.
    """
    dice = Dice("photo", seed, index, "facts")
    code = _turn(seed, index, codes)
    town = draw_town(dice, code, split)
    return Facts(
        seed=seed,
        index=index,
        town=town,
        latitude=round(town.latitude + dice.between(-JITTER_DEG, JITTER_DEG), 5),
        longitude=round(town.longitude + dice.between(-JITTER_DEG, JITTER_DEG), 5),
        heading=dice.integer(360),
        month=1 + dice.integer(12),
    )


def _turn(seed: int, index: int, codes: tuple[str, ...]) -> str:
    turn, place = divmod(index, len(codes))
    dice, order = Dice("round", seed, turn), list(codes)
    for last in range(len(order) - 1, 0, -1):
        other = dice.integer(last + 1)
        order[last], order[other] = order[other], order[last]
    return order[place]


def scene_of(facts: Facts) -> Scene:
    """The parameters of the scene that a photograph shows.

    Args:
        facts: Where, when and which way.
    """
    dice = facts.dice("scene")
    look = look_of(facts.town.country)
    climate = climate_at(facts.town.latitude, facts.town.longitude)
    now = season(facts.latitude, facts.month)
    cold = climate.seasons == "snow" and now == "winter"
    dawn, dusk = lit_hours(facts.latitude, facts.month)
    hour = round(dice.between(dawn - 0.3, dusk + 0.3), 2)
    half = dice.choice((3.2, 3.8, 4.6))
    region = Dice("region", look.code, facts.town.region)
    favorite = region.integer(len(look.walls))
    return Scene(
        facts=facts,
        look=look,
        climate=climate,
        season=now,
        snow=cold and dice.chance(0.7),
        dry=climate.seasons == "dry" and is_dry(facts.latitude, facts.month),
        hour=hour,
        sun=sun_at(facts.latitude, facts.month, hour),
        weather=_weather(dice, climate),
        wall_weights=tuple(3.0 if i == favorite else 1.0 for i in range(len(look.walls))),
        accent=region.choice(ACCENTS),
        road_half_m=half,
        pavement_m=dice.between(1.4, 2.6),
        camera=_camera(dice, look, half),
        gains=_gains(dice),
        contrast=dice.between(0.85, 1.15),
    )


def _weather(dice: Dice, climate: Climate) -> str:
    if dice.chance(climate.rain):
        return dice.weighted(("overcast", "rain", "fog"), (0.6, 0.25, 0.15))
    return dice.weighted(("clear", "cloudy"), (0.6, 0.4))


def _camera(dice: Dice, look: Look, half: float) -> Camera:
    side = -1.0 if look.drives_left else 1.0
    lane = side * half * dice.between(0.3, 0.7)
    anywhere = dice.between(-half - 1.0, half + 1.0)
    return Camera(
        height_m=dice.between(1.4, 2.6),
        lateral_m=anywhere if dice.chance(0.35) else lane,
        yaw_deg=dice.bell(9.0),
        pitch=dice.bell(0.045),
        focal=dice.between(0.7, 0.95),
    )


def _gains(dice: Dice) -> tuple[float, float, float]:
    exposure = 1.0 + dice.bell(0.13)
    warmth, tint = dice.bell(0.06), dice.bell(0.03)
    return exposure * (1 + warmth), exposure * (1 + tint), exposure * (1 - warmth)
