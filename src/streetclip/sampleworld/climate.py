"""Ten climates by a coarse rule of latitude and longitude: what grows, and what the ground is.

The rule is a list of boxes that are asked in order, so it needs no raster and no package; it is
meant to make scenes plausible, not to classify the Earth.
"""

from dataclasses import dataclass

# Climate, then latitude from and to, longitude from and to; the first box that holds a point wins.
_BOXES: tuple[tuple[str, float, float, float, float], ...] = (
    ("highland", 27, 38, 75, 103),  # Himalaya and Tibet
    ("highland", -24, 5, -79, -66),  # the Andes, before the Amazon
    ("highland", 5, 14, 36, 41),  # Ethiopia
    ("highland", 18.5, 21, -104, -97),  # central Mexico
    ("desert", 15, 35, -17, 34),  # Sahara
    ("desert", 12, 33.5, 34, 60),  # Arabia
    ("desert", 24, 30, 60, 74),  # Baluchistan, Sindh
    ("desert", 36, 48, 75, 108),  # Taklamakan, Gobi
    ("desert", 26, 38, -117, -104),  # Sonora, Mojave, Chihuahua
    ("desert", -30, -17, -72, -68),  # Atacama
    ("desert", -18, -4, -82, -76),  # the coast of Peru
    ("desert", -30, -16, 11, 21),  # Namib
    ("desert", -31, -20, 116, 142),  # inner Australia
    ("mediterranean", 30, 44.5, -10, 37),
    ("mediterranean", 32, 39, -124, -117),
    ("mediterranean", -38, -30, -74, -69),
    ("mediterranean", -35, -31, 17, 21),
    ("mediterranean", -37, -30, 114, 120),
    ("steppe", 30, 40, 37, 75),  # Iran, Anatolia, Turkestan
    ("steppe", 40, 51, 47, 120),  # Kazakhstan, Mongolia
    ("steppe", 30, 52, -110, -98),  # the Great Plains
    ("steppe", -50, -30, -72, -62),  # inner Argentina
    ("steppe", -32, -20, 20, 28),  # Karoo, Kalahari
    ("savanna", 7, 16, -18, 50),  # Sahel and Guinea
    ("savanna", -20, -5, -60, -35),  # Cerrado, Caatinga
    ("savanna", -26, 5, 27, 42),  # East Africa
    ("savanna", -20, -8, 11, 27),  # Angola, Zambia
    ("savanna", 8, 27, 70, 86),  # inner India
    ("savanna", 12, 21, 94, 106),  # inner Indochina
    ("savanna", -20, -10, 120, 150),
    ("rainforest", -12, 12, -180, 180),
    ("tropics", -24, 24, -180, 180),
    ("subtropics", 24, 36, -100, -75),
    ("subtropics", 22, 33, 86, 123),
    ("subtropics", 30, 36, 126, 141),
    ("subtropics", -36, -24, -180, 180),
    ("boreal", 58, 66, 28, 180),
    ("boreal", 50, 66, 85, 180),
    ("boreal", 51, 66, -170, -55),
    ("boreal", 61, 66, -180, 180),
    ("tundra", 66, 90, -180, 180),
    ("tundra", -90, -55, -180, 180),
    ("continental", 36, 61, 20, 180),
    ("continental", 39, 61, -118, -58),
    ("oceanic", -90, 90, -180, 180),
)


@dataclass(frozen=True, slots=True)
class Climate:
    """What a climate does to a street.

    Args:
        name: One of ten words.
        trees: Kinds of trees, as `vegetation` draws them.
        tree_share: Trees along the street, from 0 to 1.
        grass: Color of the ground in the good season.
        dry_grass: Color of the ground in the dry or cold season.
        seasons: `snow` (cold winters), `leaves` (bare winters), `dry` (dry half of the year) or
            `none`.
        rain: Probability of rain or overcast weather.
    """

    name: str
    trees: tuple[str, ...]
    tree_share: float
    grass: tuple[int, int, int]
    dry_grass: tuple[int, int, int]
    seasons: str
    rain: float


def _climate(
    name: str, trees: str, share: float, grass: str, dry: str, seasons: str, rain: float
) -> Climate:
    return Climate(name, tuple(trees.split()), share, _rgb(grass), _rgb(dry), seasons, rain)


def _rgb(text: str) -> tuple[int, int, int]:
    return int(text[:2], 16), int(text[2:4], 16), int(text[4:], 16)


CLIMATES = {
    climate.name: climate
    for climate in (
        _climate("desert", "palm cactus shrub palm", 0.3, "c0a474", "cbb084", "none", 0.05),
        _climate("steppe", "poplar shrub round", 0.4, "9a9a58", "b4a36a", "snow", 0.2),
        _climate("savanna", "acacia banana round acacia", 0.5, "8f9a48", "b89b5c", "dry", 0.25),
        _climate("rainforest", "palm banana jungle", 0.8, "4d8a3a", "5c8a3e", "none", 0.45),
        _climate("tropics", "palm round jungle", 0.6, "6a9444", "92964e", "dry", 0.3),
        _climate("subtropics", "round bamboo pine", 0.6, "6c9648", "8f9454", "leaves", 0.35),
        _climate("mediterranean", "cypress olive umbrella", 0.5, "8e9650", "b3a468", "dry", 0.15),
        _climate("highland", "eucalyptus shrub round", 0.4, "7f9150", "a2965c", "dry", 0.3),
        _climate("oceanic", "round round poplar hedge", 0.65, "62964a", "748f50", "leaves", 0.5),
        _climate("continental", "round birch spruce", 0.6, "6c964c", "9a9056", "snow", 0.35),
        _climate("boreal", "spruce birch spruce", 0.75, "6a8a4e", "8f8a5a", "snow", 0.4),
        _climate("tundra", "shrub spruce", 0.2, "8a8c5e", "9c9468", "snow", 0.5),
    )
}


def climate_at(latitude: float, longitude: float) -> Climate:
    """The climate of a point.

    Args:
        latitude: Degrees north.
        longitude: Degrees east.

    Example:
        >>> climate_at(24.7, 46.7).name, climate_at(60.2, 24.9).name, climate_at(1.3, 103.8).name
        ('desert', 'continental', 'rainforest')
    """
    for name, south, north, west, east in _BOXES:
        if south <= latitude < north and west <= longitude < east:
            return CLIMATES[name]
    return CLIMATES["oceanic"]


def season(latitude: float, month: int) -> str:
    """The season of a month on that half of the Earth: winter, spring, summer or autumn."""
    shifted = month if latitude >= 0 else (month + 5) % 12 + 1
    return ("winter", "spring", "summer", "autumn")[shifted % 12 // 3]


def is_dry(latitude: float, month: int) -> bool:
    """Whether the month belongs to the dry half of a year with a dry season.

    Beyond the tropics the dry season is the summer (around the Mediterranean), within them it is
    the winter.
    """
    half = "summer" if abs(latitude) > 28 else "winter"
    return season(latitude, month) == half
