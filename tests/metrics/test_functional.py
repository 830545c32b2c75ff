"""Distances against the package `haversine`, shares against tables one can check by hand."""

import math

import haversine
import numpy as np
import pytest
import torch

from streetclip.metrics import functional


def random_points(seed: int, n: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    share = torch.rand(n, 2, generator=generator, dtype=torch.float64)
    return share * torch.tensor([180.0, 360.0]) - torch.tensor([90.0, 180.0])


def test_distances_are_those_of_the_package_haversine() -> None:
    a, b = random_points(0, 500), random_points(1, 500)
    expected = haversine.haversine_vector(a.tolist(), b.tolist())
    torch.testing.assert_close(
        functional.haversine_km(a, b), torch.from_numpy(np.asarray(expected)), rtol=1e-9, atol=1e-6
    )


def test_antipodes_are_half_a_circle_apart() -> None:
    distance = functional.haversine_km(torch.tensor([0.0, 0.0]), torch.tensor([0.0, 180.0]))
    assert distance.item() == pytest.approx(math.pi * 6371.0088)


def test_another_radius_scales_distances() -> None:
    a, b = random_points(2, 20), random_points(3, 20)
    ours = functional.haversine_km(a, b)
    theirs = functional.haversine_km(a, b, radius_km=6378.137)
    torch.testing.assert_close(theirs, ours * (6378.137 / 6371.0088))
    angles = haversine.haversine_vector(a.tolist(), b.tolist(), haversine.Unit.RADIANS)
    torch.testing.assert_close(theirs, torch.from_numpy(np.asarray(angles)) * 6378.137)


def test_shares_agree_with_a_table_counted_by_hand() -> None:
    errors = torch.tensor([0.5, 1.0, 24.9, 25.0, 199.0, 751.0, 2500.0, 2500.1])
    counted = {1: 2, 25: 4, 200: 5, 750: 5, 2500: 7}
    for radius, count in counted.items():
        assert functional.share_within(errors, radius).item() == count / 8


def test_an_exclusive_radius_leaves_out_its_edge() -> None:
    errors = torch.tensor([0.5, 1.0, 25.0])
    assert functional.share_within(errors, 1, inclusive=False).item() == pytest.approx(1 / 3)


@pytest.mark.parametrize("n", [1, 2, 7, 8])
def test_the_median_is_that_of_numpy(n: int) -> None:
    errors = torch.rand(n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    assert functional.median_km(errors).item() == pytest.approx(float(np.median(errors.numpy())))


def test_the_median_of_nothing_is_nan() -> None:
    assert math.isnan(functional.median_km(torch.empty(0)).item())


def test_the_geoscore_is_rounded_only_where_it_is_asked() -> None:
    errors = torch.tensor([100.0], dtype=torch.float64)
    assert functional.geoscore(errors).item() == pytest.approx(
        5000 * math.exp(-100 / 1492.7), abs=1e-9
    )
    # 5000 exp(-100 / 1492.7) = 4676.02
    assert functional.geoscore(errors, rounded=True).item() == 4676.0


@pytest.mark.parametrize(
    ("seen", "unseen", "expected"), [(0.5, 0.5, 0.5), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)]
)
def test_the_harmonic_mean_is_high_only_where_both_are(
    seen: float, unseen: float, expected: float
) -> None:
    value = functional.harmonic_mean(torch.tensor(seen), torch.tensor(unseen))
    assert value.item() == pytest.approx(expected)


def test_the_harmonic_mean_is_unknown_where_one_accuracy_is() -> None:
    value = functional.harmonic_mean(torch.tensor(0.5), torch.tensor(float("nan")))
    assert math.isnan(value.item())


def test_accuracy_counts_only_the_masked_photographs() -> None:
    correct = torch.tensor([True, False, True, True])
    among = torch.tensor([True, True, False, True])
    assert functional.masked_accuracy(correct, among).item() == pytest.approx(2 / 3)


def test_each_photograph_is_matched_against_the_captions_of_its_batch() -> None:
    images = torch.eye(3)
    texts = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
    matches = functional.in_batch_matches(images, texts, torch.tensor([1, 2, 3]))
    assert matches.tolist() == [True, False, False]


def test_an_equal_caption_of_another_photograph_is_right() -> None:
    images, texts = torch.eye(2), torch.eye(2).flip(0)
    matches = functional.in_batch_matches(images, texts, torch.tensor([7, 7]))
    assert matches.tolist() == [True, True]
