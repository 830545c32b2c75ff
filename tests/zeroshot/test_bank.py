"""The text tower sees each distinct prompt once, in whatever batches."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.bank import build_bank, encode_distinct, ensemble
from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.protocol import Protocol, Regions


class FakeTower:
    """Features that follow from the text alone, and a list of what was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def feature(self, text: str) -> Tensor:
        generator = torch.Generator().manual_seed(sum(map(ord, text)))
        return F.normalize(torch.randn(8, generator=generator), dim=0)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        self.seen += texts
        return torch.stack([self.feature(text) for text in texts])


def test_each_distinct_prompt_is_encoded_once(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    protocol = small_protocol(city_prompts=("From {city}.", "Near {city} in {country}."))
    candidates = build_candidates(protocol, gazetteer=towns)
    tower = FakeTower()
    bank = build_bank(candidates, tower, batch_size=4)
    assert sorted(tower.seen) == sorted(candidates.distinct_prompts)
    assert bank.prompts == len(tower.seen) == len(set(tower.seen))


def test_rows_belong_to_their_places(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    tower = FakeTower()
    bank = build_bank(candidates, tower, batch_size=3)
    for row, (prompt,) in enumerate(candidates.city_prompts):
        torch.testing.assert_close(bank.city_features[row], tower.feature(prompt))
    for row, (prompt,) in enumerate(candidates.country_prompts):
        torch.testing.assert_close(bank.country_features[row], tower.feature(prompt))


def test_regions_are_encoded_where_they_are_asked_between_country_and_city(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    tower = FakeTower()
    assert (
        build_bank(build_candidates(small_protocol(), gazetteer=towns), tower).region_features
        is None
    )
    regions = Regions(stage=True, prompts=("In {region}, {country}.",))
    candidates = build_candidates(small_protocol(regions=regions), gazetteer=towns)
    features = build_bank(candidates, tower).region_features
    assert features is not None
    for feature, (prompt,) in zip(features, candidates.region_prompts, strict=True):
        torch.testing.assert_close(feature, tower.feature(prompt))


def test_an_ensemble_is_the_normalised_mean_of_its_prompts(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    protocol = small_protocol(city_prompts=("From {city}.", "Near {city}, {country}."))
    candidates = build_candidates(protocol, gazetteer=towns)
    tower = FakeTower()
    bank = build_bank(candidates, tower)
    both = [tower.feature(prompt) for prompt in candidates.city_prompts[0]]
    torch.testing.assert_close(bank.city_features[0], F.normalize(both[0] + both[1], dim=0))
    assert torch.allclose(bank.city_features.norm(dim=-1), torch.ones(7))


def test_a_long_feature_counts_no_more_than_a_short_one() -> None:
    short = ensemble(torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]))
    torch.testing.assert_close(ensemble(torch.tensor([[[5.0, 0.0], [0.0, 1.0]]])), short)


def test_texts_of_one_length_are_encoded_together_and_put_back_in_order() -> None:
    tower = FakeTower()
    texts = ["ccc", "a", "bb", "d", "eeee"]
    features = encode_distinct(texts, tower, batch_size=2)
    assert tower.seen == ["a", "d", "bb", "ccc", "eeee"]
    for text, feature in zip(texts, features, strict=True):
        torch.testing.assert_close(feature, tower.feature(text))
