"""A torchmetrics class over the pure functions, for loops that feed batches and sum over ranks."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from streetclip.geo.distance import EARTH_RADIUS_KM
from streetclip.metrics import functional


class Geolocation(Metric):
    """Shares within radii, median, mean, GeoScore and country accuracy of predicted points.

    Args:
        radii_km: Radii of the shares.
        inclusive: Whether an error of exactly a radius counts as within it.
        earth_radius_km: Radius of the sphere that distances are measured on.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded to a whole number.
        kwargs: Passed on to `torchmetrics.Metric`.

    Example:
        >>> metric = Geolocation(radii_km=[25])
        >>> paris, lyon = torch.tensor([[48.85, 2.35]]), torch.tensor([[45.76, 4.84]])
        >>> metric.update(paris, paris, country=torch.tensor([0]), true_country=torch.tensor([0]))
        >>> metric.update(lyon, paris, country=torch.tensor([0]), true_country=torch.tensor([1]))
        >>> {name: round(value.item(), 1) for name, value in metric.compute().items()}
        {'within_25km': 0.5, 'median_km': 195.7, 'mean_km': 195.7, 'geoscore': 4423.3, \
'country_accuracy': 0.5}
    """

    is_differentiable = False
    full_state_update = False
    distance_km: list[Tensor]
    correct: Tensor
    counted: Tensor

    def __init__(
        self,
        radii_km: Sequence[float] = functional.RADII_KM,
        *,
        inclusive: bool = True,
        earth_radius_km: float = EARTH_RADIUS_KM,
        geoscore_rounded: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.radii_km = tuple(radii_km)
        self.inclusive = inclusive
        self.earth_radius_km = earth_radius_km
        self.geoscore_rounded = geoscore_rounded
        self.add_state("distance_km", default=[], dist_reduce_fx="cat")
        self.add_state("correct", default=torch.tensor(0), dist_reduce_fx="sum")
        self.add_state("counted", default=torch.tensor(0), dist_reduce_fx="sum")

    def update(
        self,
        predicted: Float[Tensor, "n 2"],
        true: Float[Tensor, "n 2"],
        *,
        country: Int64[Tensor, " n"] | None = None,
        true_country: Int64[Tensor, " n"] | None = None,
    ) -> None:
        """Count a batch.

        Args:
            predicted: Latitude and longitude in degrees.
            true: Latitude and longitude in degrees.
            country: Numbers of the predicted countries.
            true_country: Numbers of the true ones; negative where unknown, and then not counted.
        """
        self.distance_km.append(
            functional.haversine_km(predicted, true, radius_km=self.earth_radius_km)
        )
        if country is not None and true_country is not None:
            known = true_country >= 0
            self.correct += (known & (country == true_country)).sum()
            self.counted += known.sum()

    def compute(self) -> dict[str, Tensor]:
        """The metrics over all batches of all ranks, named as in a result."""
        distance = dim_zero_cat(self.distance_km)
        values = {
            f"within_{radius:g}km": functional.share_within(
                distance, radius, inclusive=self.inclusive
            )
            for radius in self.radii_km
        }
        return values | {
            "median_km": functional.median_km(distance),
            "mean_km": distance.mean(),
            "geoscore": functional.geoscore(distance, rounded=self.geoscore_rounded).mean(),
            "country_accuracy": self.correct / self.counted,
        }
