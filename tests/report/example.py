"""A made-up result on real towns, to look at the page: `python -m tests.report.example FOLDER`."""

import io
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from streetclip.evaluation.ceilings import with_nearest
from streetclip.evaluation.leaks import PAIR_COLUMNS
from streetclip.evaluation.numbers import numbers_of
from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.result import Result
from streetclip.evaluation.values import measure
from streetclip.geo.distance import haversine_km
from streetclip.geo.gazetteer import load_gazetteer
from streetclip.report.page import write_page
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import load_protocol

PAIRS = [
    ("picture", "000012_a", "000871_c", 3, 4, 0.02),
    ("picture", "000077_a", "000090_c", 5, 9, None),
    ("place", "000078_a", "000091_c", 30, 28, 0.011),
]


def example_leaks(result: Result) -> dict[str, Any]:
    """What a look for leaks says, in the form of `evaluation.leaks.leak_summary`."""
    kept = result.predictions.slice(2)
    values = measure(kept, resamples=20)
    return {
        "train_digest": "9f" * 32,
        "train_photos": 1_100,
        "benchmark_digest": result.shard_set_digest,
        "photos": result.photos,
        "max_bits": 10,
        "max_meters": 25.0,
        "pictures": 2,
        "places": 1,
        "flat": 4,
        "unreadable": 2,
        "train_unreadable": 0,
        "pairs": [dict(zip(PAIR_COLUMNS, pair, strict=True)) for pair in PAIRS],
        "values_without": {
            name: asdict(values[name]) for name in ("within_25km", "median_km", "geoscore")
        },
    }


def example_result(n: int = 500, *, seed: int = 0, set_name: str = "im2gps3k") -> Result:
    """A model that often knows the country, sometimes a neighbor, and now and then neither.

    Args:
        n: Photographs.
        seed: Of everything that is drawn.
        set_name: Of the set that it pretends to be measured on.

    Returns:
        A result with all that a report can show.
    """
    rng = np.random.default_rng(seed)
    protocol = load_protocol("paper")
    candidates = build_candidates(protocol)
    table = pa.Table.from_pylist(_rows(n, rng, candidates), schema=SCHEMA)
    table = with_nearest(table, candidates, radius_km=protocol.distance.radius_km)
    numbers = numbers_of(table, distance=protocol.distance, resamples=200, seed=seed)
    result = Result(
        set_name=set_name,
        model="ViT-B-32:made-up",
        weights_digest="a1" * 32,
        protocol=protocol.name,
        protocol_digest=protocol.digest,
        shard_set_digest="c3" * 32,
        photos=n + 2,
        unreadable=(("000501_a", "unreadable_image: cut"), ("000502_a", "image_too_large")),
        outside_protocol=3,
        unknown_country=1,
        prompts=4_812,
        matching_batch=32,
        resamples=200,
        seed=seed,
        predictions=table,
        missing=("104123223_7410c654ba_19_19355699@N00.jpg", "missing_two.jpg"),
        surplus=("notes (copy).jpg",),
        set_photos=2_997,
        **vars(numbers),
    )
    return replace(result, leaks=example_leaks(result))


def _rows(n: int, rng: np.random.Generator, candidates: Candidates) -> list[dict[str, Any]]:
    towns = load_gazetteer()
    weight = np.sqrt(towns.population.astype(np.float64))
    weight[~np.isin(towns.country.astype("U2"), candidates.country_codes)] = 0.0
    chosen = rng.choice(len(towns), size=n, p=weight / weight.sum())
    codes = np.array(candidates.country_codes)[candidates.country_index]
    return [_row(number, int(town), rng, candidates, codes) for number, town in enumerate(chosen)]


def _row(
    number: int, town: int, rng: np.random.Generator, candidates: Candidates, codes: Any
) -> dict[str, Any]:
    towns = load_gazetteer()
    where = towns.latlon[town] + rng.normal(0, 0.05, size=2)
    distance = haversine_km(where, candidates.latlon)
    fate = rng.random()
    reach = 60.0 if fate < 0.35 else 400.0 if fate < 0.7 else 9_000.0
    likely = np.exp(-distance / reach) + 1e-300
    if fate < 0.55:
        likely = np.where(codes == towns.country[town], likely, 1e-300)
    city = int(rng.choice(len(likely), p=likely / likely.sum()))
    right = codes[city] == towns.country[town]
    others = [str(code) for code in rng.choice(candidates.country_codes, 4, replace=False)]
    probability = float(rng.beta(4, 2) if right else rng.beta(2.4, 3))
    return {
        "key": f"{number:06d}_a",
        "true_latitude": float(where[0]),
        "true_longitude": float(where[1]),
        "predicted_latitude": float(candidates.latlon[city, 0]),
        "predicted_longitude": float(candidates.latlon[city, 1]),
        "distance_km": float(distance[city]),
        "true_country": str(towns.country[town]),
        "predicted_country": str(codes[city]),
        "true_region": str(towns.region[town]) or None,
        "predicted_region": str(candidates.city_region[city]) or None,
        "true_town": str(towns.name[town]),
        "predicted_city": str(candidates.city_name[city]),
        "predicted_city_id": int(candidates.city_id[city]),
        "country_probability": probability,
        "city_probability": float(rng.random()),
        "country_asked": True,
        "matched": bool(rng.random() < 0.7),
        "top_countries": [str(codes[city]), *others],
        "top_probabilities": [probability, 0.02, 0.01, 0.01, 0.005],
    }


def picture(key: str) -> bytes | None:
    """A made-up photograph: sky, ground and noise, another for each key; some are lost or cut."""
    number = int(key[:6])
    if number % 17 == 0:
        return None
    rng = np.random.default_rng(number)
    pixels = rng.normal(0, 12, size=(300, 400, 3)) + rng.uniform(60, 200, size=3)
    pixels[: int(rng.integers(90, 200))] += (-20, 10, 60)
    data = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(data, "JPEG", quality=90)
    return data.getvalue()[: 40 if number % 23 == 0 else None]


def main(folder: Path) -> None:
    """Write two pages: one with pictures, and one of a set that nobody has published on."""
    result = example_result()
    write_page(result, folder / "pictures", thumbnails=picture)
    write_page(replace(result, set_name="val", set_photos=None, leaks={}), folder / "plain")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
