"""Several models, sets and protocols in one call, and again."""

import json
from pathlib import Path

import pytest
from tests.build.measured import assert_same, cached, counted, run
from tests.tinybench import PHOTOS, TinyBench
from tests.tinyshards import write_tiny_shards

from streetclip.errors import InputError
from streetclip.shards.index import index_shards

pytestmark = pytest.mark.usefixtures("plain_reports")


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
    # Both sets hold the same photographs, so that all eight results can be compared.
    (compared,) = json.loads((done.out / "comparison.json").read_text())["comparisons"]
    first, *others = (entrant["label"] for entrant in compared["entrants"])
    assert compared["baseline"] == first
    assert [(pair["first"], pair["second"]) for pair in compared["pairs"]] == [
        (first, other) for other in others
    ]
    assert len(others) == 7
    assert {path.name for path in done.out.iterdir()} == {
        "comparison.html",
        "comparison.json",
        "comparison.md",
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
    assert (alone.result.model, first.model) == ("small", "small")


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
    (kept / "report.html").unlink()  # Which is written last.
    with counted() as calls:
        second = run(tiny_bench.options(tmp_path / "out", *words))
    assert calls.photographs == PHOTOS
    assert_same(first, second)
    assert (kept / "results.json").stat().st_mtime_ns == before
    assert (kept / "report.html").is_file()
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
    with pytest.raises(
        InputError, match=r"holds a single result, beside which .*; got: predictions.parquet"
    ):
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
