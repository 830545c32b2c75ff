"""Preprocessing files are taken where they ask for what we do, and refused where they do not."""

import re
from typing import Any

import pytest

from streetclip.model.hf_preprocess import preprocess_config, read_preprocess
from streetclip.model.spec import OPENAI_MEAN, OPENAI_STD
from streetclip.records import Preprocess

# The form in which geolocal/StreetCLIP's model family publishes it.
OLD = {
    "crop_size": 336,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": list(OPENAI_MEAN),
    "image_std": list(OPENAI_STD),
    "resample": 3,
    "size": 336,
}


def test_the_old_form_of_the_large_model_is_ours() -> None:
    numbers, problems = read_preprocess(OLD, 336)
    assert problems == []
    assert numbers == {"mean": list(OPENAI_MEAN), "std": list(OPENAI_STD)}


def test_without_a_file_the_numbers_are_openais() -> None:
    assert read_preprocess(None, 99) == ({"mean": OPENAI_MEAN, "std": OPENAI_STD}, [])


def test_what_is_written_is_read_back() -> None:
    preprocess = Preprocess(64, 64, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    numbers, problems = read_preprocess(preprocess_config(preprocess), 64)
    assert problems == []
    assert numbers == {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"size": 224}, "size is 224; allowed: the shorter side, 336"),
        ({"size": {"height": 336, "width": 336}}, "size is .*; allowed: the shorter side"),
        ({"crop_size": {"height": 336, "width": 300}}, "crop_size is .*; allowed: 336 x 336"),
        ({"resample": 2}, "resample is 2; allowed: 3"),
        ({"do_center_crop": False}, "do_center_crop is False; allowed: true"),
        ({"do_normalize": False}, "do_normalize is False; allowed: true"),
        ({"rescale_factor": 1.0}, "rescale_factor is 1.0; allowed: 1/255"),
        ({"image_mean": [0.5, 0.5]}, "image_mean is .*; allowed: three numbers"),
        ({"image_std": [0.5, 0.0, 0.5]}, "image_std is .*; allowed: three numbers above 0"),
        ({"image_mean": ["a", "b", "c"]}, "image_mean is .*; allowed: three numbers"),
    ],
)
def test_what_would_give_other_features_is_named(change: dict[str, Any], problem: str) -> None:
    _, problems = read_preprocess({**OLD, **change}, 336)
    assert len(problems) == 1
    assert re.match(problem, problems[0])


def test_all_differences_are_named_together() -> None:
    _, problems = read_preprocess({"size": 1, "crop_size": 2, "resample": 0}, 224)
    assert len(problems) == 3
