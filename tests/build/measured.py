"""Benchmarks that are run and counted: what the tests of `build/measuring` share."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from torch import Tensor

from streetclip.build.benchmark import Benchmark, benchmark
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.model.backbone import Backbone


class Calls:
    """What goes through the towers."""

    def __init__(self) -> None:
        self.photographs = 0
        self.texts = 0


@contextmanager
def counted() -> Iterator[Calls]:
    """Count what goes through the towers of all models."""
    calls, image, text = Calls(), Backbone.encode_image, Backbone.encode_text

    def encode_image(model: Backbone, pixels: Tensor) -> Tensor:
        calls.photographs += len(pixels)
        return image(model, pixels)

    def encode_text(model: Backbone, tokens: Tensor) -> Tensor:
        calls.texts += len(tokens)
        return text(model, tokens)

    with (
        mock.patch.object(Backbone, "encode_image", encode_image),
        mock.patch.object(Backbone, "encode_text", encode_text),
    ):
        yield calls


def run(options: BenchmarkConfig) -> Benchmark:
    return benchmark(options, progress=False)


def cached(folder: Path) -> str:
    return f"features.cache_dir={folder}"


def assert_same(one: Benchmark, other: Benchmark) -> None:
    assert len(one.results) == len(other.results)
    for (_, result), (_, same) in zip(one.results, other.results, strict=True):
        assert result == same
        assert result.predictions.equals(same.predictions)
