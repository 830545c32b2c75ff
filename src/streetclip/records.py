"""Frozen records that cross rooms; coordinates are WGS-84 degrees, latitude before longitude."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Place:
    """A point with the names that captions and metrics use.

    Args:
        latitude: Degrees north, -90 to 90; NaN where only the country is known.
        longitude: Degrees east, -180 to 180; NaN likewise.
        country: ISO 3166-1 alpha-2 code, or None where nobody knows.
        region: First-order administrative area, in English, or None.
        town: Nearest town of the country, or None.
    """

    latitude: float
    longitude: float
    country: str | None = None
    region: str | None = None
    town: str | None = None

    @property
    def has_point(self) -> bool:
        """Whether the coordinates are known."""
        return not math.isnan(self.latitude + self.longitude)


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One photograph of a manifest, before it is written into a shard.

    Args:
        image: Path of the file, absolute.
        name: The path as the user's table or folder names it, for messages and lists.
        place: Where it was taken; labels that the user did not give are None.
        heading: Compass direction of the view in degrees clockwise from north, or None.
        month: 1 to 12, or None.
        licence: As the source states it, or None.
        source: Where the photograph comes from, or None.
        columns: Columns that the user declares for captions of another domain.
    """

    image: str
    name: str
    place: Place
    heading: float | None = None
    month: int | None = None
    licence: str | None = None
    source: str | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Rejection:
    """One photograph that cannot be used, with the reason; none is dropped without one of these."""

    name: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model answers for one photograph.

    Args:
        key: Key of the sample, or the file's name.
        country: Predicted ISO code.
        region: Region of the predicted city, or None.
        city: Predicted city.
        latitude: Of the predicted city, degrees.
        longitude: Of the predicted city, degrees.
        country_probability: Softmax over the protocol's countries.
        city_probability: Softmax over the cities of the predicted country.
        alternatives: Other countries with their probabilities, best first.
    """

    key: str
    country: str
    region: str | None
    city: str
    latitude: float
    longitude: float
    country_probability: float
    city_probability: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Preprocess:
    """What a model expects of an image; the data room crops and resizes, the model normalises.

    Args:
        height: Pixels.
        width: Pixels.
        mean: Of red, green and blue on a scale of 0 to 1.
        std: Standard deviation of the same.
    """

    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
