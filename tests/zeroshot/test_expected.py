"""Distances among candidates, and which of them is near to all."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from haversine import haversine_vector

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.expected import distances_km, least_expected_loss, losses_of
from streetclip.zeroshot.protocol import Protocol, Rule
from streetclip.zeroshot.stages import Stages

CPU = torch.device("cpu")


def test_distances_are_those_of_haversine_to_two_meters_on_ones_own_side_of_the_earth() -> None:
    random = np.random.default_rng(0)
    latlon = np.stack([random.uniform(-90, 90, 400), random.uniform(-180, 180, 400)], axis=1)
    # Neighbors, equal points and antipodes are where rounding would show.
    latlon[1] = latlon[0] + [1e-5, 0.0]
    latlon[2] = latlon[0]
    latlon[3] = [-latlon[0, 0], latlon[0, 1] - np.sign(latlon[0, 1]) * 180.0]
    km = distances_km(latlon, radius_km=6371.0088).double().numpy()
    expected = haversine_vector(latlon, latlon, comb=True)
    wrong = np.abs(km - expected)
    assert wrong[expected < 10_000].max() < 2e-3
    # The arc sine is steep at half the way round the Earth: fp32 tells a few kilometers there.
    assert wrong[expected < 19_000].max() < 2e-2
    assert wrong.max() < 6.0


def test_a_table_is_computed_once_for_a_device(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    assert losses_of(candidates, CPU) is losses_of(candidates, CPU)
    assert losses_of(replace(candidates), CPU) is not losses_of(candidates, CPU)


def test_the_loss_of_a_geoscore_is_the_share_that_is_lost(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    km = losses_of(candidates, CPU)
    score = replace(candidates, rule=Rule(kind="expected", loss="geoscore"))
    torch.testing.assert_close(losses_of(score, CPU), 1 - (-km / 1492.7).exp(), atol=1e-6, rtol=0)
    smaller = replace(candidates, rule=Rule(kind="expected", radius_km=6371.0088 / 2))
    torch.testing.assert_close(losses_of(smaller, CPU), km / 2)


def test_of_two_candidates_at_one_place_the_first_answers(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    latlon = candidates.latlon.copy()
    latlon[6] = latlon[5]
    places = replace(candidates, latlon=latlon, rule=Rule(kind="expected", countries=None))
    image = torch.eye(8)[[6]]
    bank = TextBank(torch.eye(8)[[0, 1, 6]], torch.eye(8)[:7], prompts=0)
    stages = Stages(image, bank, places, 50.0)
    assert least_expected_loss(stages, torch.ones(1, 3, dtype=torch.bool)).tolist() == [5]


@pytest.mark.parametrize("loss", ["distance", "geoscore"])
def test_countries_that_are_not_possible_do_not_count(
    small_protocol: Callable[..., Protocol], towns: Gazetteer, loss: str
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    places = replace(candidates, rule=Rule(kind="expected", loss=loss))
    bank = TextBank(torch.eye(8)[[0, 3, 6]], torch.eye(8)[:7], prompts=0)
    stages = Stages(torch.eye(8)[[0, 0]], bank, places, 50.0)
    inside = torch.tensor([[True, False, False], [False, True, False]])
    answers = least_expected_loss(stages, inside)
    assert [str(candidates.city_name[city]) for city in answers.tolist()] == ["Paris", "Singapore"]
