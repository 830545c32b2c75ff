from collections.abc import Sequence

import numpy as np
import pytest
import torch
from tests.data.conftest import metadata, photo, tokenize
from torch import Tensor

from streetclip.captions.template import Template
from streetclip.data.batch import Example, Recipe, caption_id, collate
from streetclip.errors import SampleError
from streetclip.records import Preprocess
from streetclip.shards.read import RawSample


def test_the_captions_of_a_batch_go_to_the_tokenizer_together() -> None:
    asked: list[list[str]] = []

    def counting(texts: Sequence[str]) -> Tensor:
        asked.append(list(texts))
        return tokenize(texts)

    captions = ["in France", "in the Netherlands", "in France"]
    examples = [Example(text, torch.zeros(3, 2, 2, dtype=torch.uint8), text) for text in captions]
    batch = collate(examples, counting, epoch=0, step=0)
    assert torch.equal(batch["tokens"], tokenize(captions))
    assert asked == [captions]


def test_caption_ids_are_stable_and_fit_into_int64() -> None:
    assert caption_id("A Street View photo in France.") == 324257264963547902
    ids = [caption_id(str(number)) for number in range(2000)]
    assert len(set(ids)) == 2000
    assert all(0 <= number < 2**63 for number in ids)


def test_a_batch_holds_its_examples_in_order() -> None:
    images = torch.arange(3 * 3 * 4 * 5, dtype=torch.uint8).reshape(3, 3, 4, 5)
    captions = ["in France", "in Japan", "in France"]
    examples = [Example(str(i), images[i], text) for i, text in enumerate(captions)]
    batch = collate(examples, tokenize, epoch=2, step=7)
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
