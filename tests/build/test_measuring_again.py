"""A benchmark that was killed, disturbed or shared out gives what an undisturbed one gives."""

import multiprocessing
import os
import signal
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import pytest
from tests.build.measured import assert_same, cached, counted, run
from tests.forkedranks import fork_ranks
from tests.tinybench import PHOTOS, TinyBench

from streetclip.build.readiness import make_plan
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.result import read_result

pytestmark = pytest.mark.usefixtures("plain_reports")


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
