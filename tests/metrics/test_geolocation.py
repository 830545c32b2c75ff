"""The torchmetrics class gives what the pure functions give, however the batches are cut."""

import pytest
import torch

from streetclip.metrics import functional
from streetclip.metrics.geolocation import Geolocation


def test_batches_add_up_to_the_whole() -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.rand(50, 2, generator=generator) * 60
    predicted = true + torch.randn(50, 2, generator=generator) * 5
    country = torch.randint(0, 3, (50,), generator=generator)
    true_country = torch.randint(-1, 3, (50,), generator=generator)
    metric = Geolocation()
    for part in torch.split(torch.arange(50), 7):
        metric.update(
            predicted[part], true[part], country=country[part], true_country=true_country[part]
        )
    values = metric.compute()
    distance = functional.haversine_km(predicted, true)
    assert values["within_750km"] == functional.share_within(distance, 750)
    assert values["median_km"] == functional.median_km(distance)
    assert values["mean_km"].item() == pytest.approx(distance.mean().item())
    known = true_country >= 0
    expected = (country == true_country)[known].double().mean().item()
    assert values["country_accuracy"].item() == pytest.approx(expected)


def test_scores_can_be_rounded_one_by_one() -> None:
    metric = Geolocation(geoscore_rounded=True)
    metric.update(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    # A degree is 111.195 km: 5000 exp(-111.195 / 1492.7) = 4641.08.
    assert metric.compute()["geoscore"].item() == (4641 + 5000) / 2


def test_the_edge_of_a_radius_follows_the_definition() -> None:
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    radius = functional.haversine_km(a, b).item()
    for inclusive in (True, False):
        metric = Geolocation([radius], inclusive=inclusive)
        metric.update(a, b)
        assert metric.compute()[f"within_{radius:g}km"].item() == float(inclusive)
