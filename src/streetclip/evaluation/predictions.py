"""One row a photograph: what is true, what was answered, and how far apart they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import torch
from jaxtyping import Float64
from torch import Tensor

from streetclip.evaluation.clusters import cluster_names, group_of
from streetclip.evaluation.embedded import Embedded
from streetclip.metrics.functional import haversine_km
from streetclip.zeroshot.candidates import Candidates
from streetclip.zeroshot.hierarchy import Decoded

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("true_latitude", pa.float64()),
        ("true_longitude", pa.float64()),
        ("predicted_latitude", pa.float64()),
        ("predicted_longitude", pa.float64()),
        ("distance_km", pa.float64()),
        ("true_country", pa.string()),
        ("predicted_country", pa.string()),
        ("true_region", pa.string()),
        ("predicted_region", pa.string()),
        ("true_town", pa.string()),
        ("predicted_city", pa.string()),
        ("predicted_city_id", pa.int64()),
        ("country_probability", pa.float32()),
        ("city_probability", pa.float32()),
        ("country_asked", pa.bool_()),
        ("country_seen", pa.bool_()),
        ("town_seen", pa.bool_()),
        ("matched", pa.bool_()),
        ("top_countries", pa.list_(pa.string())),
        ("top_probabilities", pa.list_(pa.float32())),
        ("nearest_km", pa.float64()),
        ("nearest_in_country_km", pa.float64()),
        ("cluster", pa.string()),
    ]
)


@dataclass(frozen=True)
class SeenPlaces:
    """What a model was trained on, as a shard set and a checkpoint tell it.

    Args:
        countries: ISO codes.
        towns: ``"CC/Region/Town"``.
    """

    countries: frozenset[str]
    towns: frozenset[str] = frozenset()

    def sees(self, metadata: Mapping[str, Any]) -> tuple[bool | None, bool | None]:
        """Whether training has shown a photograph's country and town; None where unknown.

        Args:
            metadata: Of a sample.

        Example:
            >>> seen = SeenPlaces(frozenset({"FR"}), frozenset({"FR/Brittany/Brest"}))
            >>> seen.sees({"country": "FR", "region": "Brittany", "town": "Rennes"})
            (True, False)
        """
        country, town = metadata.get("country"), metadata.get("town")
        if country is None:
            return None, None
        seen_country = country in self.countries
        if town is None or not self.towns:
            return seen_country, None
        return seen_country, f"{country}/{metadata.get('region') or ''}/{town}" in self.towns


def rows_of(
    photographs: Embedded,
    decoded: Decoded,
    candidates: Candidates,
    *,
    seen: SeenPlaces | None,
    radius_km: float,
    cluster: str = "auto",
) -> list[dict[str, Any]]:
    """The rows of one pass, for the photographs that could be read.

    Args:
        photographs: Of the pass.
        decoded: The answers, in the same order.
        candidates: That were decoded.
        seen: What training has shown, if known.
        radius_km: Of the sphere that distances are measured on.
        cluster: What photographs of a cluster share, as `clusters.group_of` takes it.

    Returns:
        Mappings with the columns of `SCHEMA` but for those that need the whole set, and ``index``,
        the position in the set, and ``group``, what the photograph shares with others.
    """
    return [
        {
            "index": photographs.index[i],
            "key": photographs.keys[i],
            "matched": photographs.matched[i],
            "group": group_of(photographs.metadata[i], cluster),
            **_truth(photographs.metadata[i], candidates, seen),
            **_answer(i, decoded, candidates, photographs.metadata[i], radius_km),
        }
        for i, error in enumerate(photographs.errors)
        if error is None
    ]


def table_of(rows: Sequence[Mapping[str, Any]], cluster: str) -> tuple[pa.Table, str]:
    """The table of all rows of a set, with the clusters of its photographs.

    Args:
        rows: From `rows_of`.
        cluster: As `rows_of` has taken it.

    Returns:
        The table with the columns of `SCHEMA`, and what photographs of a cluster share.

    Raises:
        ResultError: No photograph has the column that clusters shall share.
    """
    names, shared = cluster_names(
        [row.get("group") for row in rows],
        [
            None if row["true_latitude"] is None else (row["true_latitude"], row["true_longitude"])
            for row in rows
        ],
        cluster,
    )
    named = [{**row, "cluster": name} for row, name in zip(rows, names, strict=True)]
    return pa.Table.from_pylist(named, schema=SCHEMA), shared


def _truth(
    metadata: Mapping[str, Any], candidates: Candidates, seen: SeenPlaces | None
) -> dict[str, Any]:
    country = metadata.get("country")
    country_seen, town_seen = (None, None) if seen is None else seen.sees(metadata)
    return {
        "true_latitude": metadata.get("latitude"),
        "true_longitude": metadata.get("longitude"),
        "true_country": country,
        "true_region": metadata.get("region"),
        "true_town": metadata.get("town"),
        "country_asked": None if country is None else country in candidates.country_codes,
        "country_seen": country_seen,
        "town_seen": town_seen,
    }


def _answer(
    i: int,
    decoded: Decoded,
    candidates: Candidates,
    metadata: Mapping[str, Any],
    radius_km: float,
) -> dict[str, Any]:
    city = int(decoded.city_index[i])
    predicted = torch.from_numpy(candidates.latlon[city])
    return {
        "predicted_latitude": float(predicted[0]),
        "predicted_longitude": float(predicted[1]),
        "distance_km": _distance_km(predicted, metadata, radius_km),
        "predicted_country": candidates.country_codes[int(decoded.country_index[i])],
        "predicted_region": candidates.city_region[city] or None,
        "predicted_city": candidates.city_name[city],
        "predicted_city_id": int(candidates.city_id[city]),
        "country_probability": float(decoded.country_probability[i]),
        "city_probability": float(decoded.city_probability[i]),
        "top_countries": [candidates.country_codes[k] for k in decoded.top_index[i].tolist()],
        "top_probabilities": decoded.top_probability[i].tolist(),
    }


def _distance_km(
    predicted: Float64[Tensor, " 2"], metadata: Mapping[str, Any], radius_km: float
) -> float | None:
    """The error of an answer; None for a photograph without coordinates."""
    if metadata.get("latitude") is None or metadata.get("longitude") is None:
        return None
    true = torch.tensor([metadata["latitude"], metadata["longitude"]], dtype=torch.float64)
    return haversine_km(predicted, true, radius_km=radius_km).item()
