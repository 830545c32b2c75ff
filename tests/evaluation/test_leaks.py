"""Leaks are found where they were planted, and nowhere else."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from tests.plainresult import plain_result

from streetclip.errors import ResultError, SampleError
from streetclip.evaluation.leaks import (
    MAX_BITS,
    find_leaks,
    leak_summary,
    pair_rows,
    values_without,
)
from streetclip.evaluation.values import measure
from streetclip.geo.distance import haversine_km
from streetclip.manifest.folder import find_photographs
from streetclip.sampleworld.scene import render
from streetclip.sampleworld.towns import ranked_countries
from streetclip.sampleworld.world import draw_facts, scene_of
from streetclip.shards.fingerprint import (
    Fingerprints,
    cosine_hash,
    decoded_gray,
    gradient_hash,
    is_flat,
)

SCENES = 60


def prints(raws: list[bytes], latlon: np.ndarray | None = None, *, name: str = "p") -> Fingerprints:
    """Fingerprints of photographs that lie in no shard."""
    grays = [decoded_gray(raw) for raw in raws]
    return Fingerprints(
        digest=name * 64,
        keys=tuple(f"{name}{number}" for number in range(len(raws))),
        gradient=np.array([gradient_hash(gray) for gray in grays], dtype=np.uint64),
        cosine=np.array([cosine_hash(gray) for gray in grays], dtype=np.uint64),
        flat=np.array([is_flat(gray) for gray in grays]),
        latlon=np.full((len(raws), 2), np.nan) if latlon is None else latlon,
    )


def hashes(
    gradient: list[int], latlon: list[tuple[float, float]], *, name: str, flat: bool = False
) -> Fingerprints:
    """Fingerprints that are planted: both hashes are the same."""
    words = np.array(gradient, dtype=np.uint64)
    keys = tuple(f"{name}{number}" for number in range(len(words)))
    points = np.array(latlon, dtype=np.float64).reshape(-1, 2)
    return Fingerprints(name * 64, keys, words, words, np.full(len(words), flat), points)


def encoded(image: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def cut(image: Image.Image, share: float) -> Image.Image:
    """A picture without a border on all sides."""
    x, y = (round(side * share) for side in image.size)
    return image.crop((x, y, image.width - x, image.height - y))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "compressed": lambda image: Image.open(io.BytesIO(encoded(image, 40))),
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "larger": lambda image: image.resize((image.width * 2, image.height * 2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.25),
    "flatter": lambda image: ImageEnhance.Contrast(image).enhance(0.7),
    "gray": lambda image: image.convert("L").convert("RGB"),
    "cut by 1 %": lambda image: cut(image, 0.01),
    "all": lambda image: ImageEnhance.Brightness(
        cut(image, 0.01).resize((image.width // 2, image.height // 2))
    ).enhance(1.15),
}


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    """Unrelated streets of the sample world."""
    codes = tuple(ranked_countries()[:48])
    return [
        render(scene_of(draw_facts(9, number, codes, "train")), 192) for number in range(SCENES)
    ]


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_among_unrelated_streets(
    scenes: list[Image.Image], change: str
) -> None:
    benchmark = prints([encoded(scene) for scene in scenes[:30]], name="b")
    copies = [encoded(CHANGES[change](scene), 75) for scene in scenes[:20]]
    train = prints([*copies, *(encoded(scene) for scene in scenes[30:])], name="t")
    leaks = find_leaks(train, benchmark)
    assert len(leaks.leaked_keys & {f"b{number}" for number in range(20)}) >= 19
    assert leaks.leaked_keys.isdisjoint(f"b{number}" for number in range(20, 30))


def test_unrelated_streets_are_hardly_ever_taken_for_copies(scenes: list[Image.Image]) -> None:
    every = prints([encoded(scene) for scene in scenes])
    pairs = find_leaks(every, every).pictures
    others = len(pairs) - SCENES
    assert others <= 1e-3 * SCENES * (SCENES - 1)
    # The limit is not a lucky one: no unrelated pair is near it either.
    assert len(find_leaks(every, every, max_bits=MAX_BITS + 3).pictures) == SCENES


def _real(folder: Path) -> Iterator[bytes]:
    for path in find_photographs(folder / "images"):
        raw = path.read_bytes()
        try:
            decoded_gray(raw)
        except SampleError:
            continue
        yield raw


def test_among_real_photographs_only_copies_are_found(real_photos: Path) -> None:
    raws = list(_real(real_photos))
    assert len(raws) > 150
    every = prints(raws)
    pairs = find_leaks(every, every).pictures
    others = {
        tuple(sorted((int(a), int(b))))
        for a, b in zip(pairs.benchmark, pairs.train, strict=True)
        if a != b
    }
    # Three monuments are there twice, in two sizes; everything else is another picture.
    assert len(others) <= 3


@pytest.mark.parametrize("max_bits", [0, 3, MAX_BITS])
def test_pairs_are_those_of_a_plain_loop(max_bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streetclip.evaluation.leaks._BLOCK", 100)
    rng = np.random.default_rng(3)
    base = rng.integers(0, 2**64, 30, dtype=np.uint64)
    noise = np.array(
        [sum(1 << int(bit) for bit in rng.choice(64, rng.integers(0, 14), replace=False))
         for _ in range(200)],
        dtype=np.uint64,
    )  # fmt: skip
    ours = hashes(base.tolist(), [(np.nan, np.nan)] * 30, name="b")
    theirs = hashes((base[rng.integers(0, 30, 200)] ^ noise).tolist(), [(0, 0)] * 200, name="t")
    expected = [
        (i, j)
        for i, a in enumerate(ours.gradient)
        for j, b in enumerate(theirs.gradient)
        if (int(a) ^ int(b)).bit_count() <= max_bits
    ]
    found = find_leaks(theirs, ours, max_bits=max_bits).pictures
    assert sorted(zip(found.benchmark.tolist(), found.train.tolist(), strict=True)) == expected
    assert expected
    assert found.benchmark.tolist() == sorted(found.benchmark.tolist())


def test_both_hashes_must_be_near() -> None:
    ours = hashes([0], [(0, 0)], name="b")
    theirs = hashes([0], [(0, 0)], name="t")
    other = Fingerprints(
        "t" * 64, ("t0",), theirs.gradient, theirs.cosine ^ np.uint64(2**20 - 1), theirs.flat,
        theirs.latlon,
    )  # fmt: skip
    assert len(find_leaks(theirs, ours).pictures) == 1
    assert len(find_leaks(other, ours).pictures) == 0


def test_plain_surfaces_are_no_copies_of_each_other() -> None:
    ours = hashes([0], [(0, 0)], name="b", flat=True)
    assert len(find_leaks(hashes([0], [(0, 0)], name="t"), ours).pictures) == 0
    assert len(find_leaks(hashes([0], [(0, 0)], name="t", flat=True), ours).pictures) == 0
    assert leak_summary(find_leaks(ours, ours))["flat"] == 1


@pytest.mark.parametrize("meters", [0.0, 25.0, 5000.0])
def test_places_are_those_of_a_plain_loop(meters: float) -> None:
    rng = np.random.default_rng(4)
    train = rng.uniform(-0.05, 0.05, (300, 2)) + np.array([59.9, 179.99])
    train[:, 1] = (train[:, 1] + 180) % 360 - 180
    ours = np.concatenate(
        [train[:5], rng.uniform(-0.05, 0.05, (60, 2)) + np.array([59.9, -179.99])]
    )
    ours = np.concatenate([ours, [[np.nan, np.nan]]])
    km = haversine_km(ours[:, None], train[None])
    leaks = find_leaks(
        hashes(list(range(300)), [tuple(row) for row in train], name="t"),
        hashes([2**64 - 1] * 66, [tuple(row) for row in ours], name="b"),
        max_meters=meters,
    )
    expected = [row for row in range(65) if km[row].min() <= meters / 1000 + 1e-12]
    assert leaks.places.benchmark.tolist() == expected
    assert len(expected) >= 5
    np.testing.assert_allclose(leaks.places.km, km[expected].min(axis=1), atol=1e-6)
    assert leaks.leaked_keys == frozenset()


def test_rows_name_keys_bits_and_kilometers() -> None:
    ours = hashes([0, 7, 2**64 - 1], [(0, 0), (np.nan, np.nan), (10, 10)], name="b")
    theirs = hashes([3, 0, 2**63], [(0, 0.0001), (50, 50), (10, 10)], name="t")
    rows = pair_rows(find_leaks(theirs, ours, max_bits=2))
    pictures = [row[:5] for row in rows if row[0] == "picture"]
    assert pictures == [
        ("picture", "b0", "t1", 0, 0),
        ("picture", "b0", "t2", 1, 1),
        ("picture", "b0", "t0", 2, 2),
        ("picture", "b1", "t0", 1, 1),
    ]
    assert [row[5] is None for row in rows if row[1] == "b1"] == [True]
    places = [row for row in rows if row[0] == "place"]
    assert [(row[1], row[2]) for row in places] == [("b0", "t0"), ("b2", "t2")]
    assert places[0][5] == pytest.approx(0.01112, abs=1e-5)


def test_values_are_told_with_and_without_what_leaked() -> None:
    result = plain_result(20, shard_set_digest="b" * 64)
    keys = result.predictions["key"].to_pylist()
    ours = hashes([1 << (3 * n) for n in range(20)], [(0, 0)] * 20, name="b")
    ours = Fingerprints(
        ours.digest, tuple(keys), ours.gradient, ours.cosine, ours.flat, ours.latlon
    )
    # Every photograph whose answer is right is a copy; the other ones have errors of 10 degrees.
    theirs = hashes(ours.gradient[::2].tolist(), [(60, 60)] * 10, name="t")
    summary = leak_summary(find_leaks(theirs, ours, max_bits=0), result)
    assert (summary["pictures"], summary["pictures_share"], summary["places"]) == (10, 0.5, 0)
    assert (summary["train_digest"], summary["train_photos"]) == ("t" * 64, 10)
    assert len(summary["pairs"]) == 10
    without = summary["values_without"]
    assert result.values["country_accuracy"].value == 0.5
    assert (without["country_accuracy"]["value"], without["country_accuracy"]["n"]) == (0.0, 10)
    expected = measure(result.predictions.take(list(range(1, 20, 2))), resamples=20)
    assert without["median_km"]["value"] == expected["median_km"].value
    assert without["within_2500km"]["low"] == expected["within_2500km"].low
    assert "matching_accuracy" not in without


def test_where_everything_leaked_no_value_is_left() -> None:
    result = plain_result(3, shard_set_digest="b" * 64)
    ours = hashes([1, 2, 4], [(0, 0)] * 3, name="b")
    ours = Fingerprints(
        ours.digest, tuple(result.predictions["key"].to_pylist()), ours.gradient, ours.cosine,
        ours.flat, ours.latlon,
    )  # fmt: skip
    without = values_without(result, find_leaks(ours, ours, max_bits=0))
    assert without["country_accuracy"] == {"value": None, "n": 0, "low": None, "high": None}


def test_a_result_on_another_set_is_refused() -> None:
    ours = hashes([1], [(0, 0)], name="b")
    with pytest.raises(ResultError, match=r"is one of another set .*got: shard set cccc"):
        leak_summary(find_leaks(ours, ours), plain_result(2))


def test_a_set_of_nothing_leaks_nothing() -> None:
    none, some = hashes([], [], name="b"), hashes([1], [(0, 0)], name="t")
    for train, benchmark in ((none, some), (some, none)):
        leaks = find_leaks(train, benchmark)
        assert (len(leaks.pictures), len(leaks.places)) == (0, 0)
    assert leak_summary(find_leaks(some, none))["pictures_share"] is None
