"""The point among the candidates with the least expected loss, under a joint distribution."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor

from streetclip.geo.distance import GEOSCORE_SCALE_KM, unit_vectors
from streetclip.zeroshot.candidates import Candidates
from streetclip.zeroshot.stages import Stages

# Rows of the table of losses that are computed together, so that fp64 stays small.
_ROWS = 256


def least_expected_loss(stages: Stages, inside: Bool[Tensor, "n c"]) -> Int64[Tensor, " n"]:
    """Answer with the place that is near to all places where a photograph may be.

    Args:
        stages: Of the photographs.
        inside: Which countries are possible for each photograph.

    Returns:
        Positions of cities, of any country; of equal losses the lowest.
    """
    candidates = stages.candidates
    losses = losses_of(candidates, stages.features.device)
    total = stages.features.new_zeros(len(stages.features), len(candidates.latlon))
    possible = inside.T.contiguous()
    for country in possible.any(dim=1).nonzero().squeeze(1).tolist():
        rows = possible[country].nonzero().squeeze(1)
        joint = stages.country_log_probability[rows, country, None]
        joint = (joint + stages.city_log_probability(country, rows)).exp()
        block = losses[candidates.blocks[country]]
        if len(rows) == len(total):
            total.addmm_(joint, block)
        else:
            total.index_add_(0, rows, joint @ block)
    # Rounding must not choose between two candidates at one place.
    first = torch.from_numpy(candidates.first_equal_point).to(total.device)
    return first[total.argmin(dim=-1)]


def losses_of(candidates: Candidates, device: torch.device) -> Float[Tensor, "m m"]:
    """What it costs to answer one candidate where another is right; computed once.

    Args:
        candidates: The places, with their rule.
        device: Where it is needed.

    Returns:
        Kilometers, or the share of the best GeoScore that is lost.
    """
    name = f"losses on {device}"
    if name not in candidates.kept:
        rule = candidates.rule
        table = distances_km(candidates.latlon, radius_km=rule.radius_km)
        if rule.loss == "geoscore":
            table = table.div_(-GEOSCORE_SCALE_KM).exp_().neg_().add_(1.0)
        candidates.kept[name] = table.to(device)
    kept = candidates.kept[name]
    assert isinstance(kept, Tensor)
    return kept


def distances_km(latlon: Float64[np.ndarray, "m 2"], *, radius_km: float) -> Float[Tensor, "m m"]:
    """Great-circle distances among points, in fp32.

    Args:
        latlon: Latitude and longitude in degrees.
        radius_km: Of the sphere.

    Returns:
        Kilometers; right to two meters up to 10,000 km, and to a few kilometers near the
        antipodes, where the arc sine is steep.

    Example:
        >>> poles = np.array([[90.0, 0.0], [-90.0, 0.0]])
        >>> distances_km(poles, radius_km=1.0)
        tensor([[0.0000, 3.1416],
                [3.1416, 0.0000]])
    """
    points = torch.from_numpy(unit_vectors(latlon))
    # Neighbors have a cosine of nearly 1: it must be taken from 1 in fp64.
    table = torch.empty(len(points), len(points))
    for start in range(0, len(points), _ROWS):
        cosine = points[start : start + _ROWS] @ points.T
        share = cosine.neg_().add_(1.0).div_(2.0).clamp_(0.0, 1.0).float()
        table[start : start + _ROWS] = share.sqrt_().asin_().mul_(2.0 * radius_km)
    return table
