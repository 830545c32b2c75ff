"""Pure functions from places and features to numbers; shares are 0 to 1, distances kilometers."""

import torch
from jaxtyping import Bool, Float, Int64, Num
from torch import Tensor

from streetclip.geo.distance import EARTH_RADIUS_KM, GEOSCORE_SCALE_KM

RADII_KM: tuple[int, ...] = (1, 25, 200, 750, 2500)
# The score of a perfect answer.
GEOSCORE_BEST = 5000.0


def haversine_km(
    a: Num[Tensor, "*#shape 2"], b: Num[Tensor, "*#shape 2"], *, radius_km: float = EARTH_RADIUS_KM
) -> Float[Tensor, "*shape"]:
    """The great-circle distance between points, in fp64, broadcasting over the leading axes.

    Args:
        a: Latitude and longitude in degrees, ``[..., 2]``.
        b: Latitude and longitude in degrees, ``[..., 2]``.
        radius_km: Of the sphere.

    Returns:
        Kilometers, ``[...]``.

    Example:
        >>> paris, london = torch.tensor([48.8566, 2.3522]), torch.tensor([51.5074, -0.1278])
        >>> round(haversine_km(paris, london).item(), 1)
        343.6
    """
    first, second = a.double().deg2rad(), b.double().deg2rad()
    half = ((second - first) / 2).sin().square()
    share = half[..., 0] + first[..., 0].cos() * second[..., 0].cos() * half[..., 1]
    # Rounding can lift antipodes above 1, where arcsin is not defined.
    return 2 * radius_km * share.clamp(0.0, 1.0).sqrt().asin()


def share_within(
    distance_km: Float[Tensor, " n"], radius_km: float, *, inclusive: bool = True
) -> Float[Tensor, ""]:
    """The share of photographs whose error is within a radius.

    Args:
        distance_km: Errors.
        radius_km: The radius.
        inclusive: Whether an error of exactly the radius counts.

    Returns:
        0 to 1; NaN without photographs.

    Example:
        >>> errors = torch.tensor([10.0, 25.0, 300.0, 5000.0])
        >>> share_within(errors, 25).item(), share_within(errors, 25, inclusive=False).item()
        (0.5, 0.25)
    """
    return within(distance_km, radius_km, inclusive=inclusive).double().mean()


def within(
    distance_km: Float[Tensor, " n"], radius_km: float, *, inclusive: bool = True
) -> Bool[Tensor, " n"]:
    """Which errors are within a radius.

    Args:
        distance_km: Errors.
        radius_km: The radius.
        inclusive: Whether an error of exactly the radius counts.

    Returns:
        One truth value a photograph.
    """
    return distance_km <= radius_km if inclusive else distance_km < radius_km


def median_km(distance_km: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """The middle error; the mean of the two middle ones for an even number of photographs.

    Args:
        distance_km: Errors.

    Returns:
        Kilometers; NaN without photographs.

    Example:
        >>> median_km(torch.tensor([1.0, 9.0, 2.0, 4.0])).item()
        3.0
    """
    n = len(distance_km)
    if n == 0:
        return distance_km.new_tensor(float("nan"))
    ordered = distance_km.sort().values
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def geoscore(distance_km: Float[Tensor, " n"], *, rounded: bool = False) -> Float[Tensor, " n"]:
    """The score of each photograph, 5000 for a perfect answer.

    Args:
        distance_km: Errors.
        rounded: Whether to round each score to a whole number, as the code of PIGEON does.

    Returns:
        ``5000 exp(-distance / 1492.7 km)``.

    Source: OSV-5M (arXiv 2404.18873), after the game GeoGuessr.

    Example:
        >>> geoscore(torch.tensor([0.0, 1492.7])).round().tolist()
        [5000.0, 1839.0]
    """
    score = GEOSCORE_BEST * (-distance_km / GEOSCORE_SCALE_KM).exp()
    return score.round() if rounded else score


def masked_accuracy(correct: Bool[Tensor, " n"], among: Bool[Tensor, " n"]) -> Float[Tensor, ""]:
    """The share of right answers among some photographs.

    Args:
        correct: Which answers are right.
        among: Which photographs count.

    Returns:
        0 to 1; NaN where none counts.

    Example:
        >>> right = torch.tensor([True, False, True])
        >>> masked_accuracy(right, torch.tensor([True, True, False])).item()
        0.5
    """
    return correct[among].double().mean()


def harmonic_mean(seen: Float[Tensor, ""], unseen: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """The summary of generalised zero-shot learning: high only where both accuracies are.

    Args:
        seen: Accuracy on what training has shown.
        unseen: Accuracy on what it has not.

    Returns:
        0 where either is 0; NaN where either is.

    Example:
        >>> round(harmonic_mean(torch.tensor(0.9), torch.tensor(0.1)).item(), 2)
        0.18
    """
    total = seen + unseen
    return torch.where(total == 0, torch.zeros_like(total), 2 * seen * unseen / total)


def in_batch_matches(
    image_features: Float[Tensor, "b d"],
    text_features: Float[Tensor, "b d"],
    caption_id: Int64[Tensor, " b"],
) -> Bool[Tensor, " b"]:
    """Whether each photograph is nearest to its own caption among the captions of its batch.

    Captions that read the same are the same: finding another photograph's equal caption is right.

    Args:
        image_features: Of length 1.
        text_features: Of length 1, in the same order.
        caption_id: Equal for equal captions.

    Returns:
        One truth value a photograph.

    Source: the in-batch accuracy of StreetCLIP (arXiv 2302.00275).

    Example:
        >>> in_batch_matches(torch.eye(2), torch.eye(2).flip(0), torch.tensor([0, 1])).tolist()
        [False, False]
    """
    # Autocast would round the scores to 8 bits, and the ties would decide.
    with torch.autocast(image_features.device.type, enabled=False):
        nearest = (image_features.float() @ text_features.float().T).argmax(dim=-1)
    return caption_id[nearest] == caption_id
