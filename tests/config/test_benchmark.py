"""The options of a benchmark, as they are shown and as they are read."""

from dataclasses import replace
from pathlib import Path

import pytest

from streetclip.config.benchmark import BenchmarkConfig, FeaturesConfig
from streetclip.config.describe import describe
from streetclip.config.load import load_benchmark
from streetclip.errors import InputError


def test_what_is_shown_is_read_back_as_the_same_options(tmp_path: Path) -> None:
    options = replace(
        BenchmarkConfig(),
        models=["a.ckpt", "hf:b"],
        data=["im2gps=photos/im2gps"],
        cluster="place",
        features=FeaturesConfig(cache=False, cache_gib=2.5),
    )
    file = tmp_path / "shown.yaml"
    file.write_text(describe(options), encoding="utf-8")
    assert load_benchmark(file) == options


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("top_k=0", "top_k"),
        ("bootstrap=9", "bootstrap"),
        ("precision=16-true", "precision"),
        ("features.cache_gib=-1", "features.cache_gib"),
        ("topk=3", "topk"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(word: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        load_benchmark(None, [word])
