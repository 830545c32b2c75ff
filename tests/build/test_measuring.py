"""Several models, sets and protocols in one call, and again."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import pytest
import torch
from tests.forkedranks import fork_ranks
from tests.tinybench import PHOTOS, TinyBench
from tests.tinyshards import write_tiny_shards
from torch import Tensor

from streetclip.build.benchmark import Benchmark, benchmark
from streetclip.build.model import named_backbone
from streetclip.build.readiness import feature_cache, make_plan
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.errors import InputError
from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.result import read_result
from streetclip.model.backbone import Backbone
from streetclip.shards.index import index_shards


@pytest.fixture(autouse=True)
def _plain_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and maps take most of the time of a small benchmark, and have tests of their own."""

    def write(_: object, folder: Path, **__: object) -> None:
        (folder / "report.md").write_text("")

    monkeypatch.setattr("streetclip.build.measuring.write_report", write)


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


def test_every_combination_has_its_folder_and_the_tables_show_all(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    done = run(tiny_bench.options(tmp_path / "out", cached(tmp_path / "cache")))
    assert len(done.results) == 8
    for folder, result in done.results:
        assert folder.name == f"{result.set_name}--{result.model}--{result.protocol}"
        assert (folder / "report.md").is_file()
        assert result.photos == PHOTOS
    text = (done.out / "tables.md").read_text()
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## north ({PHOTOS} photographs)",
        f"## south ({PHOTOS} photographs)",
        "## Digests",
    ]
    assert text.count("report.md)") == 8
    assert (done.out / "tables.tex").read_text().count(r"\begin{table}") == 2
    assert {path.name for path in done.out.iterdir()} == {
        "tables.md",
        "tables.tex",
        *(folder.name for folder, _ in done.results),
    }


def test_one_of_several_gives_the_numbers_that_it_gives_alone(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    several = run(tiny_bench.options(tmp_path / "out", cached(tmp_path / "cache")))
    alone = run(tiny_bench.options(tmp_path / "one", "features.cache=false", number=1))
    first = several.results[0][1]
    assert alone.result.predictions.equals(first.predictions)
    assert alone.result.values == first.values
    assert (alone.result.model, first.model) == (str(tiny_bench.models[0]), "small")


@pytest.mark.parametrize("cache", ["features.cache=true", "features.cache=false"])
def test_two_protocols_embed_the_photographs_once(
    tiny_bench: TinyBench, tmp_path: Path, cache: str
) -> None:
    words = (cached(tmp_path / "cache"), cache)
    one = f"protocols=[{tiny_bench.protocols[0]}]"
    with counted() as single:
        run(tiny_bench.options(tmp_path / "one", *words, one, number=1))
    assert single.photographs == PHOTOS
    words = (cached(tmp_path / "other"), cache)
    both = f"protocols=[{', '.join(map(str, tiny_bench.protocols))}]"
    with counted() as double:
        run(tiny_bench.options(tmp_path / "two", *words, both, number=1))
    assert double.photographs == PHOTOS
    # The second protocol adds its own prompts: 8 countries and 16 cities.
    assert double.texts == single.texts + 24


def test_protocols_that_ask_the_same_words_share_their_features(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    nearer = tmp_path / "nearer.yaml"
    text = tiny_bench.protocols[0].read_text()
    nearer.write_text(text.replace("inclusive: true", "inclusive: false"))
    words = (f"protocols=[{tiny_bench.protocols[0]}, {nearer}]", "features.cache=false")
    with counted() as calls:
        done = run(tiny_bench.options(tmp_path / "out", *words, number=1))
    with counted() as single:
        run(tiny_bench.options(tmp_path / "one", "features.cache=false", number=1))
    assert calls.texts == single.texts
    assert len({result.protocol_digest for _, result in done.results}) == 2


def test_another_call_takes_what_is_kept_and_embeds_nothing(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    words = (cached(tmp_path / "cache"),)
    first = run(tiny_bench.options(tmp_path / "first", *words, number=1))
    with counted() as calls:
        second = run(tiny_bench.options(tmp_path / "second", *words, number=1))
        larger = run(tiny_bench.options(tmp_path / "third", *words, "batch_size=64", number=1))
    assert (calls.photographs, calls.texts) == (0, 0)
    assert_same(first, second)
    assert larger.result.values == first.result.values


def test_other_precision_is_another_look(tiny_bench: TinyBench, tmp_path: Path) -> None:
    words = (cached(tmp_path / "cache"),)
    exact = run(tiny_bench.options(tmp_path / "first", *words, number=1))
    with counted() as calls:
        mixed = run(
            tiny_bench.options(tmp_path / "second", *words, "precision=bf16-mixed", number=1)
        )
    assert calls.photographs == PHOTOS
    assert (exact.result.precision, mixed.result.precision) == ("32-true", "bf16-mixed")
    columns = [d.result.predictions["country_probability"].to_pylist() for d in (exact, mixed)]
    assert columns[0] != columns[1]
    assert columns[0] == pytest.approx(columns[1], abs=0.02)


def test_the_activation_tells_models_of_equal_weights_apart(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    quick = tmp_path / "quick.json"
    quick.write_text(
        json.dumps({**json.loads(tiny_bench.models[0].read_text()), "quick_gelu": True})
    )
    words = (f"models=[{tiny_bench.models[0]}, {quick}]", cached(tmp_path / "cache"))
    one = (f"data=[{tiny_bench.sets[0]}]", f"protocols=[{tiny_bench.protocols[0]}]")
    with counted() as calls:
        done = run(tiny_bench.options(tmp_path / "out", *words, *one))
    first, second = (result for _, result in done.results)
    assert first.weights_digest == second.weights_digest
    assert calls.photographs == 2 * PHOTOS
    assert not first.predictions.equals(second.predictions)


def test_finished_combinations_are_kept_and_the_rest_is_computed(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    words = ("features.cache=false",)
    first = run(tiny_bench.options(tmp_path / "out", *words))
    gone, kept = first.results[5][0], first.results[2][0]
    before = (kept / "results.json").stat().st_mtime_ns
    (gone / "results.json").unlink()
    for path in gone.iterdir():
        if path.name != "predictions.parquet":
            path.unlink()
    (kept / "report.md").unlink()
    with counted() as calls:
        second = run(tiny_bench.options(tmp_path / "out", *words))
    assert calls.photographs == PHOTOS
    assert_same(first, second)
    assert (kept / "results.json").stat().st_mtime_ns == before
    assert (kept / "report.md").is_file()
    with counted() as calls:
        run(tiny_bench.options(tmp_path / "out", *words))
    assert (calls.photographs, calls.texts) == (0, 0)


def test_an_output_folder_of_another_call_is_refused_before_any_work(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    words = ("features.cache=false",)
    run(tiny_bench.options(tmp_path / "one", *words, number=1))
    with (
        counted() as calls,
        pytest.raises(InputError, match="another result; got: seed is 0, not 5"),
    ):
        run(tiny_bench.options(tmp_path / "one", *words, "seed=5", number=1))
    with pytest.raises(InputError, match=r"is not empty; got: predictions.parquet, report.md"):
        run(tiny_bench.options(tmp_path / "one", *words))
    assert calls.photographs == 0


def test_unreadable_photographs_are_told_from_the_cache_too(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    folder = write_tiny_shards(tmp_path / "set", sizes=(33,))
    tar = folder / "000000.tar"
    raw = bytearray(tar.read_bytes())
    end = raw.index(b"\xff\xd9", raw.index(b"\xff\xd8\xff")) + 2
    raw[end - 300 : end] = bytes(300)
    tar.write_bytes(raw)
    for path in folder.iterdir():
        if path != tar:
            path.unlink()
    index_shards(folder)
    words = (f"data=[{folder}]", cached(tmp_path / "cache"))
    fresh = run(tiny_bench.options(tmp_path / "fresh", *words, number=1))
    with counted() as calls:
        again = run(tiny_bench.options(tmp_path / "again", *words, number=1))
    assert calls.photographs == 0
    assert [key for key, _ in fresh.result.unreadable] == ["s0_000"]
    assert_same(fresh, again)


def _killed_after_two_parts(options: BenchmarkConfig) -> None:
    write, parts = FeatureCache.write, [0]

    def dying(cache: FeatureCache, name: str, *rest: object) -> bool:
        done: bool = write(cache, name, *rest)  # type: ignore[arg-type]
        parts[0] += name.startswith("part")
        if parts[0] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    with mock.patch.object(FeatureCache, "write", dying):
        run(options)


def test_a_killed_call_goes_on_where_it_was_with_bit_equal_features(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    words = (cached(tmp_path / "cache"),)
    options = tiny_bench.options(tmp_path / "out", *words, number=1)
    process = multiprocessing.get_context("fork").Process(
        target=_killed_after_two_parts, args=(options,)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(list((tmp_path / "cache").glob("part-*"))) == 2
    assert not (tmp_path / "out").exists()
    with counted() as calls:
        done = run(options)
    # Passes of 32, 32 and 6: the third is left.
    assert calls.photographs == 6
    undisturbed = run(tiny_bench.options(tmp_path / "other", cached(tmp_path / "whole"), number=1))
    assert_same(done, undisturbed)
    (one,), (other,) = (
        list((tmp_path / name).glob("set-*.safetensors")) for name in ("cache", "whole")
    )
    assert one.name == other.name
    assert one.read_bytes() == other.read_bytes()
    assert not list((tmp_path / "cache").glob("part-*"))


def test_a_damaged_file_of_features_is_computed_again(
    tiny_bench: TinyBench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = (cached(tmp_path / "cache"),)
    first = run(tiny_bench.options(tmp_path / "first", *words, number=1))
    for path in (tmp_path / "cache").glob("*.safetensors"):
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    with counted() as calls:
        second = run(tiny_bench.options(tmp_path / "second", *words, number=1))
    assert calls.photographs == PHOTOS
    assert caplog.text.count("is computed again") == 2
    assert_same(first, second)


def test_two_commands_at_a_time_embed_once(tiny_bench: TinyBench, tmp_path: Path) -> None:
    def work(number: int) -> None:
        with counted() as calls:
            run(tiny_bench.options(tmp_path / str(number), cached(tmp_path / "cache"), number=1))
        (tmp_path / f"{number}.count").write_text(str(calls.photographs))

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(number,)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    counts = [int((tmp_path / f"{number}.count").read_text()) for number in range(2)]
    assert sorted(counts) == [0, PHOTOS]


@pytest.mark.distributed
@pytest.mark.parametrize("cache", ["features.cache=true", "features.cache=false"])
def test_two_ranks_give_the_result_of_one(
    tiny_bench: TinyBench, tmp_path: Path, cache: str
) -> None:
    """Launched by others here; `tests/cli` has the command that launches its own."""
    one = f"data=[{tiny_bench.sets[0]}]"
    alone = run(tiny_bench.options(tmp_path / "alone", one, "features.cache=false"))
    words = (one, cache, cached(tmp_path / "cache"), "devices=2")
    options = tiny_bench.options(tmp_path / "shared", *words)
    decided = asdict(make_plan(options, progress=False))

    def work() -> None:
        with (
            mock.patch("streetclip.build.benchmark.decide", return_value=decided),
            counted() as calls,
        ):
            run(options)
        rank = os.environ["LOCAL_RANK"]
        (tmp_path / f"{rank}.count").write_text(str(calls.photographs))

    assert fork_ranks(work, 2) == [0, 0]
    for folder, result in alone.results:
        shared = read_result(tmp_path / "shared" / folder.name)
        assert shared == result
        assert shared.predictions.equals(result.predictions)
    # Of passes of 32, 32 and 6 for each of two models the first rank has the first and the third.
    counts = [int((tmp_path / f"{rank}.count").read_text()) for rank in range(2)]
    repeated = 0 if cache == "features.cache=true" else 2 * 32
    assert counts == [2 * (32 + 6), 2 * 32 + repeated]


def test_weights_that_change_under_way_are_refused(tiny_bench: TinyBench, tmp_path: Path) -> None:
    def another(model: str) -> Backbone:
        backbone = named_backbone(model)
        torch.nn.init.zeros_(next(backbone.parameters()))
        return backbone

    options = tiny_bench.options(tmp_path / "out", number=1)
    with (
        mock.patch("streetclip.build.measuring.named_backbone", another),
        pytest.raises(InputError, match="the weights of small were replaced"),
    ):
        run(options)
    cache = feature_cache(options)
    assert cache is not None
