"""Decoded positions become records with names and coordinates."""

from collections.abc import Sequence

from streetclip.records import Prediction
from streetclip.zeroshot.candidates import Candidates
from streetclip.zeroshot.hierarchy import Decoded


def predictions(keys: Sequence[str], decoded: Decoded, candidates: Candidates) -> list[Prediction]:
    """What a model answers, one record a photograph.

    Args:
        keys: Keys or file names of the photographs.
        decoded: From `decode`, in the same order.
        candidates: That were decoded.

    Returns:
        The records; `alternatives` are the other countries that `decode` was asked to tell.
    """
    return [_prediction(key, row, decoded, candidates) for row, key in enumerate(keys)]


def _prediction(key: str, row: int, decoded: Decoded, candidates: Candidates) -> Prediction:
    city = int(decoded.city_index[row])
    others = zip(
        decoded.top_index[row, 1:].tolist(), decoded.top_probability[row, 1:].tolist(), strict=True
    )
    return Prediction(
        key=key,
        country=candidates.country_codes[int(decoded.country_index[row])],
        region=candidates.city_region[city] or None,
        city=candidates.city_name[city],
        latitude=float(candidates.latlon[city, 0]),
        longitude=float(candidates.latlon[city, 1]),
        country_probability=float(decoded.country_probability[row]),
        city_probability=float(decoded.city_probability[row]),
        alternatives=tuple((candidates.country_codes[index], p) for index, p in others),
    )
