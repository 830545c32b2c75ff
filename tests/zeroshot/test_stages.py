"""Scores of countries, regions and cities."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import Protocol, Regions
from streetclip.zeroshot.stages import Stages

EVERY = torch.arange(1)


@pytest.fixture
def staged(small_protocol: Callable[..., Protocol], towns: Gazetteer) -> Candidates:
    """Seven cities of three countries, with their six regions between."""
    regions = Regions(stage=True, prompts=("In {region}, {country}.",))
    return build_candidates(small_protocol(regions=regions), gazetteer=towns)


def bank(image: Tensor, cities: list[float], regions: list[float] | None) -> TextBank:
    """Features whose cosines with the image are the numbers."""

    def rows(cosines: list[float]) -> Tensor:
        return torch.tensor([[c, (1 - c * c) ** 0.5] for c in cosines])

    between = None if regions is None else rows(regions)
    return TextBank(rows([0.5, 0.1, 0.1]), rows(cities), prompts=0, region_features=between)


def test_a_citys_probability_is_its_regions_times_its_own_within_it(staged: Candidates) -> None:
    image = torch.tensor([[1.0, 0.0]])
    places = bank(image, [0.6, 0.2, 0.9, *[0.0] * 4], [0.7, 0.3, *[0.0] * 4])
    stages = Stages(image, places, staged, 2.0)
    region = torch.tensor([1.4, 0.6]).softmax(dim=0)
    city = torch.tensor([1.2, 0.4]).softmax(dim=0)
    expected = torch.stack([region[0] * city[0], region[0] * city[1], region[1]])
    torch.testing.assert_close(stages.city_log_probability(0, EVERY).exp()[0], expected)


def test_greedy_takes_the_best_region_first_and_a_beam_the_best_product(
    staged: Candidates,
) -> None:
    image = torch.tensor([[1.0, 0.0]])
    # The first region is a little better, but it has two cities that are alike.
    places = bank(image, [0.61, 0.6, 0.0, *[0.0] * 4], [0.7, 0.6, *[0.0] * 4])
    greedy = Stages(image, places, staged, 2.0)
    beam = Stages(image, places, replace(staged, rule=replace(staged.rule, kind="beam")), 2.0)
    assert greedy.best_city(0, EVERY)[0].tolist() == [0]
    assert beam.best_city(0, EVERY)[0].tolist() == [2]


def test_without_a_region_stage_cities_compete_with_all_of_their_country(
    staged: Candidates,
) -> None:
    image = torch.tensor([[1.0, 0.0]])
    stages = Stages(image, bank(image, [0.6, 0.2, 0.9, *[0.0] * 4], None), staged, 2.0)
    expected = torch.tensor([1.2, 0.4, 1.8]).log_softmax(dim=0)
    torch.testing.assert_close(stages.city_log_probability(0, EVERY)[0], expected)
    assert stages.best_city(0, EVERY)[0].tolist() == [2]


def test_equal_prompts_of_countries_have_the_score_of_the_first(staged: Candidates) -> None:
    places = replace(staged, country_prompts=(("In Georgia.",), ("In Peru.",), ("In Georgia.",)))
    features = F.normalize(torch.rand(3, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    # As rounding could have it, the second of the equal prompts is a little nearer.
    features[2] = F.normalize(features[0] + 1e-3 * torch.eye(8)[0], dim=0)
    stages = Stages(torch.eye(8)[:1], TextBank(features, torch.eye(8)[:7], 0), places, 10.0)
    assert stages.country_scores[0, 2] == stages.country_scores[0, 0]


def test_half_precision_rounds_features_and_scores_to_fp16(staged: Candidates) -> None:
    generator = torch.Generator().manual_seed(0)
    image, features = (F.normalize(torch.randn(3, 8, generator=generator), dim=-1) for _ in "ab")
    places = replace(staged, rule=replace(staged.rule, half_precision=True))
    stages = Stages(image, TextBank(features, torch.eye(8)[:7], 0), places, 100.0)
    exact = (100.0 * image.half()).double() @ features.half().double().T
    assert torch.equal(stages.country_scores, exact.half().float())
    full = Stages(image, TextBank(features, torch.eye(8)[:7], 0), staged, 100.0).country_scores
    assert not torch.equal(stages.country_scores, full)
    torch.testing.assert_close(stages.country_scores, full, rtol=3e-3, atol=0.1)
