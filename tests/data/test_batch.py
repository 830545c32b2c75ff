from collections.abc import Sequence

import numpy as np
import pytest
import torch
from tests.data.conftest import metadata, photo, tokenize
from torch import Tensor

from streetclip.captions.template import Template
from streetclip.data.batch import Example, Recipe, TokenCache, caption_id, collate
from streetclip.errors import SampleError
from streetclip.records import Preprocess
from streetclip.shards.read import RawSample


def test_tokens_are_those_of_the_tokenizer_and_each_text_is_read_once() -> None:
    asked: list[str] = []

    def counting(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return tokenize(texts)

    cache = TokenCache(counting, capacity=3)
    texts = ["in France", "in the Netherlands", "in France"]
    assert torch.equal(cache(texts), tokenize(texts))
    assert torch.equal(cache(texts[:2]), tokenize(texts[:2]))
    assert asked == ["in France", "in the Netherlands"]


def test_the_token_cache_forgets_what_was_not_used_for_longest() -> None:
    asked: list[str] = []

    def counting(texts: Sequence[str]) -> Tensor:
        asked.extend(texts)
        return tokenize(texts)

    cache = TokenCache(counting, capacity=2)
    for texts in (["a", "b"], ["a"], ["c"], ["a"], ["b"]):
        cache(texts)
    assert asked == ["a", "b", "c", "b"]
    assert torch.equal(cache(["a", "b", "c", "d"]), tokenize(["a", "b", "c", "d"]))


def test_tokens_of_unequal_length_are_padded_with_zeros() -> None:
    cache = TokenCache(lambda texts: torch.ones(len(texts), len(texts[0]), dtype=torch.int64))
    cache(["ab"])
    assert cache(["ab", "abcd"]).tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_tokens_do_not_depend_on_what_the_cache_has_seen_before() -> None:
    long = "A Street View photo close to the town of Santa Cruz de la Sierra in Bolivia."
    fresh, used = TokenCache(tokenize), TokenCache(tokenize)
    used([long, "in France"])
    assert torch.equal(used(["in France"]), fresh(["in France"]))
    assert torch.equal(used(["in France"]), tokenize(["in France"]))


def test_caption_ids_are_stable_and_fit_into_int64() -> None:
    assert caption_id("A Street View photo in France.") == 324257264963547902
    ids = [caption_id(str(number)) for number in range(2000)]
    assert len(set(ids)) == 2000
    assert all(0 <= number < 2**63 for number in ids)


def test_a_batch_holds_its_examples_in_order() -> None:
    images = torch.arange(3 * 3 * 4 * 5, dtype=torch.uint8).reshape(3, 3, 4, 5)
    captions = ["in France", "in Japan", "in France"]
    examples = [Example(str(i), images[i], text) for i, text in enumerate(captions)]
    batch = collate(examples, TokenCache(tokenize), epoch=2, step=7)
    assert torch.equal(batch["image"], images)
    assert batch["keys"] == ["0", "1", "2"]
    assert batch["captions"] == captions
    assert torch.equal(batch["tokens"], tokenize(captions))
    ids = batch["caption_id"].tolist()
    assert ids[0] == ids[2] != ids[1]
    assert (batch["epoch"], batch["step"], batch["bad"]) == (2, 7, [])


def make(recipe: Recipe, raw: RawSample, *, caption: int = 0, crop: int = 0) -> Example:
    rngs = [np.random.default_rng(seed) for seed in (caption, crop)]
    return recipe.make(raw, caption_rng=rngs[0], crop_rng=rngs[1])


def test_caption_and_crop_follow_generators_of_their_own(
    preprocess: Preprocess, template: Template
) -> None:
    recipe = Recipe(preprocess, template, scale_min=0.5)
    raw = RawSample("a", photo(3), metadata(3))
    base = make(recipe, raw)
    assert base.image.shape == (3, 16, 16)
    assert {make(recipe, raw, crop=seed).caption for seed in range(9)} == {base.caption}
    assert all(torch.equal(make(recipe, raw, caption=s).image, base.image) for s in range(9))
    assert len({make(recipe, raw, caption=seed).caption for seed in range(30)}) == 4


@pytest.mark.parametrize(
    ("image", "place", "reason"),
    [
        (b"none", metadata(0), "unreadable_image"),
        (photo(0), b"{}", "no_coordinates"),
        (photo(0), b'{"latitude": 1, "longitude": 2}', "missing_country"),
    ],
)
def test_bad_samples_are_refused_with_their_reason(
    image: bytes, place: bytes, reason: str, preprocess: Preprocess, template: Template
) -> None:
    with pytest.raises(SampleError, match=reason):
        make(Recipe(preprocess, template), RawSample("a", image, place))


def test_the_recipe_names_all_that_decides_pixels_and_captions(
    preprocess: Preprocess, template: Template
) -> None:
    assert Recipe(preprocess, template, scale_min=0.8, flip=True).fingerprint() == {
        "template": template.digest,
        "height": 16,
        "width": 16,
        "scale_min": 0.8,
        "flip": True,
    }
