"""What is asked beforehand is what training will ask: neither more nor less."""

import pickle

import numpy as np
import pytest
from tests.badthings.images import BAD_IMAGES, BadImage
from tests.badthings.metadata import BAD_METADATA, BadMetadata
from tests.badthings.shardset import PLACE, good_sample

from streetclip.captions.template import load_template
from streetclip.data.batch import Recipe
from streetclip.data.usable import Usable
from streetclip.errors import SampleError
from streetclip.records import Preprocess
from streetclip.shards.read import RawSample

USABLE = Usable(load_template("street"))
RECIPE = Recipe(Preprocess(16, 16, (0.5,) * 3, (0.5,) * 3), load_template("street"))


def reason(raw: RawSample, check: Usable = USABLE) -> str | None:
    try:
        check(raw)
    except SampleError as error:
        return error.reason
    return None


def training_reason(raw: RawSample) -> str | None:
    """What training says to a sample, whatever it draws."""
    for seed in range(5):
        try:
            rng = np.random.default_rng(seed)
            RECIPE.make(raw, caption_rng=rng, crop_rng=rng)
        except SampleError as error:
            return error.reason
    return None


@pytest.mark.parametrize("bad", BAD_IMAGES, ids=lambda bad: bad.name)
def test_photographs_are_refused_as_in_training(bad: BadImage) -> None:
    raw = RawSample("a", bad.raw, PLACE)
    assert reason(raw) == bad.reason
    assert training_reason(raw) == bad.training_reason


@pytest.mark.parametrize("bad", BAD_METADATA, ids=lambda bad: bad.name)
def test_metadata_are_refused_as_in_training(bad: BadMetadata) -> None:
    raw = RawSample("a", good_sample(0).image, bad.raw)
    assert reason(raw) == training_reason(raw) == bad.reason


def test_without_captions_a_photograph_may_lie_nowhere() -> None:
    raw = RawSample("a", good_sample(0).image, b'{"latitude": 1, "longitude": 2}')
    assert reason(raw) == "missing_country"
    assert reason(raw, Usable(None)) is None
    assert reason(RawSample("a", b"", raw.metadata), Usable(None)) == "unreadable_image"


def test_it_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(USABLE)) == USABLE


def test_without_captions_a_photograph_may_say_its_country_alone() -> None:
    raw = RawSample("a", good_sample(0).image, b'{"country": "FR"}')
    assert reason(raw) == training_reason(raw) == "no_coordinates"
    assert reason(raw, Usable(None)) is None
