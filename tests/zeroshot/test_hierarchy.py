"""Decoding against an independent implementation of the rule, in plain loops and fp64."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from haversine import haversine_vector
from torch import Tensor
from torch.nn import functional as F

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.bank import TextBank, build_bank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import Protocol, Regions, Rule, load_protocol


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


def random_bank(candidates: Candidates) -> TextBank:
    """Random features, equal ones for equal prompts."""
    rows = {prompt: row for row, prompt in enumerate(candidates.distinct_prompts)}
    features = random_unit(len(rows), 32, seed=0)
    return build_bank(candidates, lambda texts: features[[rows[text] for text in texts]])


@pytest.fixture(scope="module")
def paper(shipped_candidates: Callable[[str], Candidates]) -> tuple[Candidates, TextBank]:
    """The paper's candidates with random features, in which equal prompts have equal ones."""
    candidates = shipped_candidates("paper")
    return candidates, random_bank(candidates)


@pytest.fixture(scope="module")
def thirty() -> tuple[Candidates, TextBank]:
    """Thirty countries of the paper with random features."""
    protocol = load_protocol("paper")
    candidates = build_candidates(replace(protocol, countries=protocol.countries[::6][:30]))
    return candidates, random_bank(candidates)


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


def log_softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    total = math.log(sum(math.exp(score - highest) for score in scores))
    return [score - highest - total for score in scores]


def plain_joint(
    image: np.ndarray, bank: TextBank, candidates: Candidates, scale: float, k: int | None
) -> dict[int, float]:
    """Log-probability of every city of the best k countries."""
    countries = bank.country_features.double().numpy()
    cities = bank.city_features.double().numpy()
    of_country = log_softmax([scale * float(image @ row) for row in countries])
    best = sorted(range(len(countries)), key=lambda country: -of_country[country])[:k]
    joint = {}
    for country in sorted(best):
        members = np.flatnonzero(candidates.country_index == country).tolist()
        of_city = log_softmax([scale * float(image @ cities[city]) for city in members])
        for city, log_probability in zip(members, of_city, strict=True):
            joint[city] = of_country[country] + log_probability
    return joint


def with_rule(
    candidates: Candidates, kind: str, k: int | None, loss: str = "distance"
) -> Candidates:
    return replace(candidates, rule=Rule(kind=kind, countries=k, loss=loss))


@pytest.mark.parametrize("k", [1, 3, None])
def test_a_beam_finds_the_likeliest_city_of_the_best_countries(
    paper: tuple[Candidates, TextBank], k: int | None
) -> None:
    candidates, bank = paper
    images = random_unit(60, 32, seed=5)
    decoded = decode(images, bank, with_rule(candidates, "beam", k), logit_scale=20.0)
    moved = 0
    for row, image in enumerate(images.double().numpy()):
        joint = plain_joint(image, bank, candidates, 20.0, k)
        city = max(joint, key=joint.__getitem__)
        country = int(candidates.country_index[city])
        assert decoded.city_index[row] == city
        assert decoded.country_index[row] == country
        both = decoded.country_probability[row] * decoded.city_probability[row]
        assert both.item() == pytest.approx(math.exp(joint[city]), rel=1e-4)
        moved += country != plain_rule(image, bank, candidates, 20.0)[0]
    assert (moved > 0) == (k != 1)


def test_of_equal_joint_probabilities_the_lowest_index_wins(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    # France and the USA are equally likely and have three equal cities each; Singapore is not.
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    bank = TextBank(torch.eye(8)[[0, 1, 0]], torch.eye(8)[[0] * 7], prompts=0)
    image = torch.eye(8)[[0]]
    decoded = decode(image, bank, with_rule(candidates, "beam", None), logit_scale=20.0)
    assert decoded.city_index.tolist() == [0]
    assert decoded.country_index.tolist() == [0]


def test_a_beam_of_one_country_is_greedy(paper: tuple[Candidates, TextBank]) -> None:
    candidates, bank = paper
    images = random_unit(100, 32, seed=6)
    greedy = decode(images, bank, candidates, logit_scale=20.0)
    beam = decode(images, bank, with_rule(candidates, "beam", 1), logit_scale=20.0)
    assert torch.equal(greedy.city_index, beam.city_index)


@pytest.mark.parametrize("loss", ["distance", "geoscore"])
@pytest.mark.parametrize("k", [2, None])
def test_the_answer_has_the_least_expected_loss(
    thirty: tuple[Candidates, TextBank], loss: str, k: int | None
) -> None:
    candidates, bank = thirty
    images = random_unit(20, 32, seed=7)
    places = with_rule(candidates, "expected", k, loss)
    decoded = decode(images, bank, places, logit_scale=20.0)
    km = haversine_vector(candidates.latlon, candidates.latlon, comb=True)
    losses = km if loss == "distance" else -np.exp(-km / 1492.7)
    for row, image in enumerate(images.double().numpy()):
        joint = plain_joint(image, bank, candidates, 20.0, k)
        p = np.exp(list(joint.values()))
        expected = np.array([p @ at[list(joint)] for at in losses])
        city = int(decoded.city_index[row])
        assert expected[city] == pytest.approx(expected.min(), rel=1e-6)
        assert decoded.country_index[row] == candidates.country_index[city]
    assert torch.equal(decoded.country_index, decoded.top_index[:, 0])


def test_an_expected_point_may_lie_between_the_places_that_are_possible(
    small_protocol: Callable[..., Protocol], towns: Gazetteer
) -> None:
    # Either Paris or Singapore or Boston, a third each: Paris is nearest to all of them.
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    cities = torch.eye(8)[[0, 1, 2, 3, 4, 5, 6]]
    bank = TextBank(torch.eye(8)[[0, 3, 6]], cities, prompts=0)
    image = F.normalize(cities[[0, 3, 6]].sum(dim=0, keepdim=True), dim=-1)
    image = F.normalize(image - 0.05 * cities[[0]], dim=-1)
    beam = decode(image, bank, with_rule(candidates, "beam", None), logit_scale=8.0)
    point = decode(image, bank, with_rule(candidates, "expected", None), logit_scale=8.0)
    assert candidates.city_name[int(beam.city_index)] != "Paris"
    assert candidates.city_name[int(point.city_index)] == "Paris"
    assert point.country_probability.item() < 0.4


@pytest.mark.parametrize("kind", ["greedy", "beam", "expected"])
def test_photographs_in_parts_have_the_answers_of_all_together(
    paper: tuple[Candidates, TextBank], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    candidates, bank = paper
    places = with_rule(candidates, kind, 1 if kind == "greedy" else 4)
    images = random_unit(50, 32, seed=8)
    together = decode(images, bank, places, logit_scale=20.0)
    monkeypatch.setattr("streetclip.zeroshot.hierarchy._CELLS", 7 * len(candidates.latlon))
    parts = decode(images, bank, places, logit_scale=20.0)
    assert torch.equal(together.city_index, parts.city_index)
    torch.testing.assert_close(together.top_probability, parts.top_probability)


@pytest.mark.parametrize("kind", ["greedy", "beam", "expected"])
def test_no_photograph_has_no_answer(paper: tuple[Candidates, TextBank], kind: str) -> None:
    candidates, bank = paper
    decoded = decode(torch.empty(0, 32), bank, with_rule(candidates, kind, 2), logit_scale=1.0)
    assert decoded.city_index.shape == (0,)
    assert decoded.top_index.shape == (0, 5)


@pytest.fixture
def by_region(small_protocol: Callable[..., Protocol], towns: Gazetteer) -> Candidates:
    """France, Singapore, and the USA in three states with a city each."""
    regions = Regions(split=(("US", ()),), prompts=("In {region}, {country}.",))
    return build_candidates(small_protocol(regions=regions), gazetteer=towns)


def test_a_country_that_is_asked_by_region_stands_once_among_the_best(
    by_region: Candidates,
) -> None:
    bank = TextBank(torch.eye(8)[:5], torch.eye(8)[:7], prompts=0)
    image = F.normalize(torch.tensor([[3.0, 1.0, 0.0, 2.9, 2.8, 0.0, 0.0, 0.0]]), dim=-1)
    decoded = decode(image, bank, by_region, logit_scale=5.0, top_k=5)
    p = (5.0 * image @ bank.country_features.T).softmax(dim=-1)[0]
    # France is the best alternative, and the USA the likeliest country of the others.
    assert decoded.country_index.tolist() == [0]
    assert decoded.top_index.tolist() == [[0, 2, 1]]
    torch.testing.assert_close(decoded.top_probability[0], torch.stack([p[0], p[2:].sum(), p[1]]))


def test_an_answered_region_stands_for_its_country(by_region: Candidates) -> None:
    bank = TextBank(torch.eye(8)[:5], torch.eye(8)[:7], prompts=0)
    image = F.normalize(torch.tensor([[0.0, 1.0, 0.0, 2.9, 2.8, 0.0, 0.0, 0.0]]), dim=-1)
    decoded = decode(image, bank, by_region, logit_scale=5.0, top_k=2)
    p = (5.0 * image @ bank.country_features.T).softmax(dim=-1)[0]
    assert by_region.country_regions[int(decoded.country_index)] == "Missouri"
    assert decoded.top_index.tolist() == [[3, 1]]
    torch.testing.assert_close(decoded.country_probability[0], p[2:].sum())
