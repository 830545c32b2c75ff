"""One evaluation, against a table worked out by hand, on one and on several processes."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import haversine
import pytest
import torch

from streetclip.errors import ResultError
from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.result import Result
from streetclip.evaluation.run import EvaluationOptions, ask, evaluate
from streetclip.shards.layout import ShardSet
from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.protocol import Protocol

PARIS = {"latitude": 48.85, "longitude": 2.35, "country": "FR", "region": "Île-de-France"}
SAMPLES: list[dict[str, Any]] = [
    {**PARIS, "town": "Paris"},
    {"latitude": 45.0, "longitude": 5.0, "country": "FR", "region": "Auvergne", "town": "Lyon"},
    {"latitude": 1.3, "longitude": 103.8, "country": "SG"},
    {"latitude": 52.5, "longitude": 13.4, "country": "DE", "region": "Berlin", "town": "Berlin"},
    {**PARIS, "town": "Paris", "readable": False},
    {"latitude": 0.0, "longitude": 0.0},
    {"latitude": 34.0, "longitude": -118.2, "country": "US", "region": "California", "town": "LA"},
]
USA, FRANCE = "In the United States.", "In France."
PLANTED = {
    0: (FRANCE, "In Paris, France."),
    1: (FRANCE, "In Marseille, France."),
    2: (USA, "In Chicago, the United States."),
    3: (FRANCE, "In Paris, France."),
    5: ("In Singapore.", "In Singapore, Singapore."),
    6: (USA, "In Los Angeles, the United States."),
}
NEAR_PARIS = "A Street View photo close to the town of Paris in the region of Île-de-France"
OPTIONS = EvaluationOptions(batch_size=4, matching_batch=2, resamples=50, model="planted")
SEEN = SeenPlaces(frozenset({"FR", "DE"}), frozenset({"FR/Île-de-France/Paris"}))


@pytest.fixture
def photographs(make_set: Callable[..., ShardSet]) -> ShardSet:
    return make_set(SAMPLES)


def test_the_values_are_those_of_a_table_worked_out_by_hand(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    result = evaluate(
        planted_clip(PLANTED), photographs, three_countries, options=OPTIONS, seen=SEEN
    )
    rows = result.predictions.to_pylist()
    assert [row["predicted_city"] for row in rows] == [
        "Paris",
        "Marseille",
        "Chicago",
        "Paris",
        "Singapore",
        "Los Angeles",
    ]
    assert result.photos == 7
    assert [key for key, _ in result.unreadable] == ["000004_a"]
    assert (result.outside_protocol, result.unknown_country) == (1, 1)
    shares: dict[str, Any] = {name: (v.value, v.n) for name, v in result.values.items()}
    # Right country: Paris, Lyon and Los Angeles, of five whose country is known.
    assert shares["country_accuracy"] == (pytest.approx(3 / 5), 5)
    # Right region: Paris and Los Angeles, of four whose region is known.
    assert shares["region_accuracy"] == (pytest.approx(2 / 4), 4)
    # Seen are France, twice right, and Germany; not seen Singapore and the USA, once right.
    assert shares["country_accuracy_seen"] == (pytest.approx(2 / 3), 3)
    assert shares["country_accuracy_unseen"] == (pytest.approx(1 / 2), 2)
    assert shares["country_accuracy_harmonic"] == (pytest.approx(4 / 7), 5)
    assert shares["country_accuracy_seen_towns"] == (1.0, 1)
    # Right town: Paris; not Lyon, Berlin, nor "LA", which is called Los Angeles here.
    assert shares["city_accuracy"] == (pytest.approx(1 / 4), 4)
    assert shares["city_accuracy_seen"] == (pytest.approx(1 / 3), 3)
    assert shares["city_accuracy_unseen"] == (0.0, 1)
    assert shares["city_accuracy_harmonic"] == (0.0, 4)
    # Five of three countries cannot be told.
    assert (shares["country_top1"], shares["country_top5"]) == (
        (pytest.approx(3 / 5), 5),
        (None, 0),
    )
    assert shares["within_25km"] == (pytest.approx(2 / 6), 6)
    assert shares["within_2500km"] == (pytest.approx(4 / 6), 6)


def test_distances_are_those_of_the_package_haversine(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    result = evaluate(planted_clip(PLANTED), photographs, three_countries, options=OPTIONS)
    for row in result.predictions.to_pylist():
        true = (row["true_latitude"], row["true_longitude"])
        predicted = (row["predicted_latitude"], row["predicted_longitude"])
        assert row["distance_km"] == pytest.approx(haversine.haversine(true, predicted))


def test_ceilings_are_those_of_the_candidates(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    result = evaluate(planted_clip(PLANTED), photographs, three_countries, options=OPTIONS)
    cities = build_candidates(three_countries)
    for row in result.predictions.to_pylist():
        true = (row["true_latitude"], row["true_longitude"])
        distances = [haversine.haversine(true, city) for city in cities.latlon.tolist()]
        assert row["nearest_km"] == pytest.approx(min(distances))
        codes = [cities.country_codes[index] for index in cities.country_index.tolist()]
        pairs = zip(distances, codes, strict=True)
        inside = [km for km, code in pairs if code == row["true_country"]]
        assert row["nearest_in_country_km"] == (pytest.approx(min(inside)) if inside else None)
        assert row["nearest_km"] <= row["distance_km"] + 1e-9
    for radius in (1, 25, 200, 750, 2500):
        score = result.values[f"within_{radius}km"].value
        assert score is not None
        assert score <= (result.ceilings[f"within_{radius}km/nearest"].value or 0.0)


def test_a_set_without_repeats_is_drawn_photograph_by_photograph(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    usual = evaluate(planted_clip(PLANTED), photographs, three_countries, options=OPTIONS)
    options = replace(OPTIONS, cluster="photo")
    single = evaluate(planted_clip(PLANTED), photographs, three_countries, options=options)
    assert OPTIONS.cluster == "auto"
    assert (usual.clusters, usual.clustered_by) == (0, "")
    assert usual.predictions["cluster"].null_count == len(usual.predictions)
    assert usual == replace(single, cluster="auto")


def test_photographs_of_one_photographer_are_drawn_together(
    make_set: Callable[..., ShardSet],
    planted_clip: Callable[..., Any],
    three_countries: Protocol,
) -> None:
    by = [{**sample, "author": "AB"[number % 2]} for number, sample in enumerate(SAMPLES)]
    photographs = make_set(by)
    results = {
        cluster: evaluate(
            planted_clip(PLANTED),
            photographs,
            three_countries,
            options=replace(OPTIONS, cluster=cluster),
        )
        for cluster in ("auto", "author", "place", "photo")
    }
    found = {name: (r.clusters, r.clustered_by) for name, r in results.items()}
    # The other photograph of Paris cannot be read.
    assert found == {
        "auto": (2, "photographer"),
        "author": (2, "author"),
        "place": (0, ""),
        "photo": (0, ""),
    }
    assert results["auto"].values == results["author"].values
    assert results["place"].values == results["photo"].values
    assert results["auto"].values["within_25km"] != results["photo"].values["within_25km"]
    with pytest.raises(ResultError, match="clustered by 'camera'"):
        evaluate(
            planted_clip(PLANTED),
            photographs,
            three_countries,
            options=replace(OPTIONS, cluster="camera"),
        )


def test_captions_are_matched_in_whole_batches_of_the_set(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    captions = {
        0: f"{NEAR_PARIS} in France.",
        # The first photograph's caption, which is in the batch and wrong.
        1: f"{NEAR_PARIS} in France.",
        2: "A Street View photo in Singapore.",
        3: "A Street View photo close to the town of Berlin in the region of Berlin in Germany.",
    }
    clip = planted_clip({number: [text] for number, text in captions.items()})
    result = evaluate(clip, photographs, three_countries, options=OPTIONS)
    matched = [row["matched"] for row in result.predictions.to_pylist()]
    # In the third batch one cannot be read and one has no country; the fourth is not whole.
    assert matched == [True, False, True, True, None, None]
    assert result.values["matching_accuracy"].value == 0.75
    assert result.matching_batch == 2


def test_prompts_are_encoded_once_for_several_sets(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    clip = planted_clip(PLANTED)
    questions = ask(clip, three_countries)
    for _ in range(2):
        evaluate(clip, photographs, three_countries, options=OPTIONS, questions=questions)
    assert clip.asked.count(FRANCE) == 1
    assert clip.asked.count("In Paris, France.") == 1


def test_an_evaluation_leaves_modes_and_generators_alone(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    clip = planted_clip(PLANTED)
    clip.drop.eval()
    state = torch.random.get_rng_state()
    evaluate(clip, photographs, three_countries, options=OPTIONS)
    assert clip.training
    assert not clip.drop.training
    assert torch.equal(torch.random.get_rng_state(), state)


def test_the_first_photographs_can_be_evaluated_alone(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    options = EvaluationOptions(max_photos=3, resamples=10)
    result = evaluate(planted_clip(PLANTED), photographs, three_countries, options=options)
    assert result.photos == len(result.predictions) == result.matching_batch == 3


def test_loader_processes_change_nothing(
    photographs: ShardSet, planted_clip: Callable[..., Any], three_countries: Protocol
) -> None:
    options = EvaluationOptions(**{**vars(OPTIONS), "workers": 1})
    alone = evaluate(planted_clip(PLANTED), photographs, three_countries, options=OPTIONS)
    helped = evaluate(planted_clip(PLANTED), photographs, three_countries, options=options)
    assert helped == alone
    assert helped.predictions.equals(alone.predictions)


def test_a_set_without_a_readable_photograph_is_refused(
    make_set: Callable[..., ShardSet],
    planted_clip: Callable[..., Any],
    three_countries: Protocol,
) -> None:
    broken = make_set([{**PARIS, "readable": False}])
    with pytest.raises(ResultError, match="no photograph of 'val' can be read"):
        evaluate(planted_clip({}), broken, three_countries, options=OPTIONS)


class Threads:
    """Processes of a test that are threads."""

    def __init__(self, rank: int, world: int, box: list[Any], barrier: threading.Barrier) -> None:
        self.rank = rank
        self.world = world
        self.box = box
        self.barrier = barrier

    def gather(self, value: Any) -> list[Any]:
        self.box[self.rank] = value
        self.barrier.wait(timeout=60)
        values = list(self.box)
        self.barrier.wait(timeout=60)
        return values


@pytest.mark.parametrize("world", [2, 3, 5])
def test_any_number_of_processes_counts_each_photograph_once(
    photographs: ShardSet,
    planted_clip: Callable[..., Any],
    three_countries: Protocol,
    world: int,
) -> None:
    alone = evaluate(
        planted_clip(PLANTED), photographs, three_countries, options=OPTIONS, seen=SEEN
    )
    box, barrier = [None] * world, threading.Barrier(world)
    results: dict[int, Result] = {}

    def run(rank: int) -> None:
        results[rank] = evaluate(
            planted_clip(PLANTED),
            photographs,
            three_countries,
            options=OPTIONS,
            processes=Threads(rank, world, box, barrier),
            seen=SEEN,
        )

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == world
    for result in results.values():
        assert result == alone
        assert result.predictions.equals(alone.predictions)
