"""What the place tells besides its names: climate and driving side, known when shards are built."""

import logging
from collections.abc import Sequence

import numpy as np

from streetclip.geo.climate import climate_available, climate_sentence_codes
from streetclip.geo.countries import countries
from streetclip.records import ManifestRow

logger = logging.getLogger(__name__)


def climates(rows: Sequence[ManifestRow]) -> list[str | None]:
    """The climate at each photograph; says once where the raster is not installed.

    Args:
        rows: With coordinates where anyone knows them.

    Returns:
        Koeppen-Geiger codes such as ``"Cfb"``, None where unknown.
    """
    placed = [number for number, row in enumerate(rows) if row.place.has_point]
    if not placed:
        return [None] * len(rows)
    if not climate_available():
        logger.warning(
            "the samples get no climate: install the extra `streetclip[climate]` to have one"
        )
        return [None] * len(rows)
    latitude = np.array([rows[number].place.latitude for number in placed], dtype=np.float64)
    longitude = np.array([rows[number].place.longitude for number in placed], dtype=np.float64)
    codes: list[str | None] = [None] * len(rows)
    for number, code in zip(placed, climate_sentence_codes(latitude, longitude), strict=True):
        codes[number] = code or None
    return codes


def drives_left(row: ManifestRow) -> bool | None:
    """Whether traffic keeps to the left where a photograph was taken.

    Args:
        row: With its country, if anyone knows it.

    Returns:
        None where the country is unknown.
    """
    country = countries().get(row.place.country or "")
    return None if country is None else country.drives_left
