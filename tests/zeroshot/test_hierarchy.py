"""Decoding against an independent implementation of the rule, in plain loops and fp64."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.bank import TextBank, build_bank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import Protocol


def random_unit(n: int, d: int, seed: int) -> Tensor:
    return F.normalize(torch.randn(n, d, generator=torch.Generator().manual_seed(seed)), dim=-1)


def first_best(scores: Sequence[float]) -> tuple[int, float]:
    """Position and softmax probability of the largest score; the first of equal ones."""
    best = 0
    for position, score in enumerate(scores):
        if score > scores[best]:
            best = position
    return best, 1.0 / sum(math.exp(score - scores[best]) for score in scores)


def plain_rule(
    image: np.ndarray, bank: TextBank, candidates: Candidates, scale: float
) -> tuple[int, float, int, float]:
    countries = bank.country_features.double().numpy()
    cities = bank.city_features.double().numpy()
    country, country_p = first_best([scale * float(image @ row) for row in countries])
    members = [city for city in range(len(cities)) if candidates.country_index[city] == country]
    best, city_p = first_best([scale * float(image @ cities[city]) for city in members])
    return country, country_p, members[best], city_p


@pytest.fixture(scope="module")
def paper(shipped_candidates: Callable[[str], Candidates]) -> tuple[Candidates, TextBank]:
    """The paper's candidates with random features, in which equal prompts have equal ones."""
    candidates = shipped_candidates("paper")
    table = dict.fromkeys(candidates.distinct_prompts)
    rows = {prompt: row for row, prompt in enumerate(table)}
    features = random_unit(len(rows), 32, seed=0)
    return candidates, build_bank(
        candidates, lambda texts: features[[rows[text] for text in texts]]
    )


def test_answers_are_those_of_the_plain_rule(paper: tuple[Candidates, TextBank]) -> None:
    candidates, bank = paper
    images = random_unit(300, 32, seed=1)
    decoded = decode(images, bank, candidates, logit_scale=20.0)
    for row, image in enumerate(images.double().numpy()):
        country, country_p, city, city_p = plain_rule(image, bank, candidates, 20.0)
        assert decoded.country_index[row] == country
        assert decoded.city_index[row] == city
        assert decoded.country_probability[row].item() == pytest.approx(country_p, rel=1e-4)
        assert decoded.city_probability[row].item() == pytest.approx(city_p, rel=1e-4)
    assert len(decoded.country_index.unique()) >= 100  # type: ignore[no-untyped-call]


def test_cities_of_other_countries_are_never_predicted(
    paper: tuple[Candidates, TextBank],
) -> None:
    candidates, bank = paper
    # Photographs that look exactly like a city, whatever country they look like.
    decoded = decode(bank.city_features, bank, candidates, logit_scale=100.0)
    country_of = torch.from_numpy(candidates.country_index)
    assert torch.equal(country_of[decoded.city_index], decoded.country_index)


def test_of_equal_scores_the_lowest_index_wins(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    bank = TextBank(torch.ones(3, 4), torch.ones(7, 4), prompts=0)
    decoded = decode(random_unit(5, 4, seed=2), bank, candidates, logit_scale=1.0)
    assert decoded.country_index.tolist() == [0] * 5
    assert decoded.city_index.tolist() == [0] * 5
    assert decoded.top_index.tolist() == [[0, 1, 2]] * 5


def test_of_equal_prompts_the_first_city_answers(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    protocol = small_protocol(city_prompts=("From {city}.",))
    candidates = build_candidates(protocol, gazetteer=towns)
    cities = torch.eye(8)[:7]
    # The second Springfield even scores higher, as rounding could have it.
    bank = TextBank(torch.eye(8)[[0, 0, 5]], cities, prompts=0)
    decoded = decode(torch.eye(8)[5:6], bank, candidates, logit_scale=1.0)
    assert candidates.city_name[4] == candidates.city_name[5] == "Springfield"
    assert decoded.city_index.tolist() == [4]


def test_the_most_probable_countries_come_best_first(
    paper: tuple[Candidates, TextBank],
) -> None:
    candidates, bank = paper
    images = random_unit(20, 32, seed=3)
    decoded = decode(images, bank, candidates, logit_scale=5.0, top_k=4)
    probabilities = (5.0 * images @ bank.country_features.T).softmax(dim=-1)
    torch.testing.assert_close(decoded.top_probability, probabilities.topk(4).values)
    assert torch.equal(decoded.top_index, probabilities.topk(4).indices)
    assert torch.equal(decoded.top_index[:, 0], decoded.country_index)


def test_autocast_around_does_not_round_the_scores(paper: tuple[Candidates, TextBank]) -> None:
    candidates, bank = paper
    images = random_unit(50, 32, seed=4)
    plain = decode(images, bank, candidates, logit_scale=50.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = decode(images, bank, candidates, logit_scale=50.0)
    assert torch.equal(plain.city_probability, inside.city_probability)
