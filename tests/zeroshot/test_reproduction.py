"""The protocols `reproduction` against the published rule, written here in plain loops and fp64.

The rule is that of eval_img2gps.py of zilunzhang/StreetCLIP-Repoduce, told in our own words: the
first of the largest scores names a country, the first of the largest scores among the names of its
30 most populous cities a city, and the first row of that name in the table the coordinates.
"""

import csv
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from streetclip.data.decode import center_crop, decode_image
from streetclip.errors import SampleError
from streetclip.evaluation.clip import text_encoder
from streetclip.model.backbone import Backbone, create_backbone
from streetclip.zeroshot.bank import build_bank
from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import Protocol, load_protocol

WriteCities = Callable[[Path, Sequence[Sequence[object]]], Path]
Encode = Callable[[Sequence[str]], Tensor]
WIDTH = 32
# What the script calls countries, where the table calls them otherwise.
ALIASES = {
    "Bahamas": ["The Bahamas"],
    "Czech Republic": ["Czechia"],
    "Democratic Republic of the Congo": ["Congo (Kinshasa)"],
    "East Timor": ["Timor-Leste"],
    "Gambia": ["The Gambia"],
    "Micronesia": ["Federated States of Micronesia"],
    "North Macedonia": ["Macedonia"],
    "Palestine": ["Gaza Strip", "West Bank"],
    "Republic of the Congo": ["Congo (Brazzaville)"],
}


@dataclass(frozen=True)
class PublishedRule:
    """The script, for one table and one list of countries.

    Args:
        table: Rows of the CSV, in its order.
        countries: As the script calls them.
        states: Of the USA; they stand behind the countries, and the USA must not be among these.
        half: Whether features and scores are rounded to fp16.
    """

    table: list[dict[str, str]]
    countries: list[str]
    states: list[str]
    half: bool = True

    def answer(
        self, image: np.ndarray, text: Mapping[str, np.ndarray]
    ) -> tuple[str, str, float, float]:
        """Country, city, latitude and longitude for one photograph."""
        asked = [*self.countries, *self.states]
        country = asked[self.best(image, [text[self.country_prompt(name)] for name in asked])]
        names = self.cities(country)
        prompts = [f"A Street View photo from {name}." for name in names]
        city = names[self.best(image, [text[prompt] for prompt in prompts])]
        return country, city, *self.first_rows[city]

    @cached_property
    def first_rows(self) -> dict[str, tuple[float, float]]:
        """Coordinates of the first row of each name, wherever it lies."""
        first: dict[str, tuple[float, float]] = {}
        for row in self.table:
            first.setdefault(row["city_ascii"], (float(row["lat"]), float(row["lng"])))
        return first

    @cached_property
    def rows_of(self) -> dict[str, list[dict[str, str]]]:
        """Rows of each country, in the order of the table."""
        rows: dict[str, list[dict[str, str]]] = {}
        for row in self.table:
            rows.setdefault(row["country"], []).append(row)
        return rows

    def country_prompt(self, name: str) -> str:
        """A state is told from a country by its name alone."""
        country = ", United States" if name in self.states else ""
        return f"A Street View photo in {name}{country}."

    def cities(self, country: str) -> list[str]:
        """Names of the 30 most populous; of unknown population come last."""
        wanted = ["United States"] if country in self.states else ALIASES.get(country, [country])
        rows = [row for name in wanted for row in self.rows_of[name]]
        rows.sort(key=lambda row: -float(row["population"]) if row["population"] else 1.0)
        return [row["city_ascii"] for row in rows[:30]]

    def best(self, image: np.ndarray, texts: Sequence[np.ndarray]) -> int:
        """The first of the largest scores."""
        scores = [self.score(image, text) for text in texts]
        best = 0
        for position, score in enumerate(scores):
            if score > scores[best]:
                best = position
        return best

    def score(self, image: np.ndarray, text: np.ndarray) -> float:
        if not self.half:
            return 100.0 * float(image @ text)
        scaled = (100.0 * image.astype(np.float16).astype(float)).astype(np.float16)
        exact = float(scaled.astype(float) @ text.astype(np.float16).astype(float))
        return float(np.float16(exact))


def made_up_table(path: Path, countries: Mapping[str, str], write: WriteCities) -> Path:
    """Cities for each country: some short lists, names of other countries, names that repeat."""
    random = np.random.default_rng(0)
    names = [f"Town {number}" for number in range(1_500)] + ["Al `Ayn", "Ta`izz"]
    rows: list[tuple[object, ...]] = []
    for number, (name, code) in enumerate(countries.items()):
        tables = ALIASES.get(name, [name])
        for city in range(8 if number % 3 == 0 else 40):
            country = tables[city % len(tables)]
            own = {"Gaza Strip": "XG", "West Bank": "XW"}.get(country, code)
            region = ("Georgia", "Texas", "Utah")[city % 3] if code == "US" else ""
            people = "" if city % 5 == 0 else int(random.integers(0, 40)) * 1_000
            point = (random.uniform(-60, 60), random.uniform(-180, 180))
            rows.append((str(random.choice(names)), *point, country, own, region, people))
    random.shuffle(rows)
    return write(path, rows)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def planted(texts: Sequence[str]) -> Tensor:
    """A direction that follows from each text."""
    seeds = [zlib.crc32(text.encode()) for text in texts]
    vectors = [np.random.default_rng(seed).normal(size=WIDTH) for seed in seeds]
    return F.normalize(torch.from_numpy(np.stack(vectors)).float(), dim=-1)


def disagreements(
    protocol: Protocol, rule: PublishedRule, images: Tensor, encode: Encode
) -> tuple[list[str], set[str]]:
    """Photographs for which the two differ, and the countries that the rule answers."""
    candidates = build_candidates(protocol)
    bank = build_bank(candidates, encode)
    decoded = decode(images, bank, candidates, logit_scale=100.0)
    # The features are those of the bank, but the rule asks for them in its own words.
    text = {
        prompt: row.double().numpy()
        for prompts, rows in (
            (candidates.country_prompts, bank.country_features),
            (candidates.city_prompts, bank.city_features),
        )
        for (prompt,), row in zip(prompts, rows, strict=True)
    }
    wrong, answered = [], set()
    for number, image in enumerate(images.double().numpy()):
        expected = rule.answer(image, text)
        country, city = int(decoded.country_index[number]), int(decoded.city_index[number])
        name = candidates.country_regions[country]
        name = name or protocol.country_name(candidates.country_codes[country])
        ours = (name, str(candidates.city_name[city]), *candidates.latlon[city].tolist())
        answered.add(expected[0])
        if ours != expected:
            wrong.append(f"photograph {number}: {ours}, expected {expected}")
    return wrong, answered


def random_images(n: int) -> Tensor:
    return F.normalize(torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(1)), dim=-1)


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory, write_cities: WriteCities) -> Path:
    """A table of all countries of the paper, made up."""
    paper = load_protocol("paper")
    names = {paper.country_name(code): code for code in paper.countries}
    path = tmp_path_factory.mktemp("made_up") / "worldcities.csv"
    return made_up_table(path, names, write_cities)


@pytest.fixture(scope="module")
def simplemaps(repository: Path) -> Path:
    """The table that the script used."""
    path = repository.parent / "shared/data/simplemaps_worldcities_basic_v1.76.csv"
    if not path.exists():
        pytest.skip(f"no table of SimpleMaps at {path}")
    return path


def rule_of(table: Path, protocol: Protocol, *, half: bool = True) -> PublishedRule:
    """The rule over the same list; which countries it has, another test compares with the paper."""
    states = [name for _, regions in protocol.regions.split for name in regions]
    codes = [code for code in protocol.countries if not states or code != "US"]
    names = [protocol.country_name(code) for code in codes]
    return PublishedRule(read(table), names, states, half)


@pytest.mark.parametrize("half", [True, False])
def test_countries_and_cities_are_those_of_the_published_rule(
    made_up: Path, tmp_path: Path, half: bool
) -> None:
    path = tmp_path / "reproduction.yaml"
    path.write_text(
        f"extends: reproduction\ndefects: {{half_precision: {str(half).lower()}}}",
        encoding="utf-8",
    )
    protocol = load_protocol(str(path), cities=made_up)
    rule = rule_of(made_up, protocol, half=half)
    wrong, answered = disagreements(protocol, rule, random_images(600), planted)
    assert wrong == []
    assert len(answered) >= 100


def test_states_are_those_of_the_published_rule(made_up: Path, tmp_path: Path) -> None:
    path = tmp_path / "states.yaml"
    split = "regions: {split: {US: [Georgia, Texas, Utah]}}"
    path.write_text(f"extends: reproduction-us-states\n{split}", encoding="utf-8")
    protocol = load_protocol(str(path), cities=made_up)
    images = torch.cat([random_images(400), georgian_images()])
    wrong, answered = disagreements(protocol, rule_of(made_up, protocol), images, planted)
    assert wrong == []
    assert len(answered) >= 100
    assert {"Georgia", "Texas", "Utah"} <= answered


def georgian_images() -> Tensor:
    """Photographs that look like Georgia, the state, and like others."""
    states = planted(
        [f"A Street View photo in {s}, United States." for s in ("Georgia", "Texas", "Utah")]
    )
    return F.normalize(states.repeat(10, 1) + 0.1 * random_images(30), dim=-1)


@pytest.mark.parametrize("name", ["reproduction", "reproduction-us-states"])
def test_the_real_table_gives_the_answers_of_the_published_rule(
    simplemaps: Path, name: str
) -> None:
    protocol = load_protocol(name, cities=simplemaps)
    rule = rule_of(simplemaps, protocol)
    wrong, answered = disagreements(protocol, rule, random_images(1_000), planted)
    assert wrong == []
    assert len(answered) >= 100


def test_the_defects_are_as_large_as_they_are_said_to_be(simplemaps: Path) -> None:
    candidates = build_candidates(load_protocol("reproduction", cities=simplemaps))
    sizes = np.array([block.stop - block.start for block in candidates.blocks])
    assert len(candidates.city_id) == 4_669
    assert (sizes < 30).sum() == 65
    assert (candidates.first_equal != np.arange(4_669)).sum() == 10


def test_the_real_table_names_the_countries_as_the_script_does(
    simplemaps: Path, repository: Path
) -> None:
    listed = read(repository.parent / "shared/data/paper_countries.csv")
    protocol = load_protocol("reproduction", cities=simplemaps)
    assert sorted(protocol.country_name(code) for code in protocol.countries) == sorted(
        row["prompt_name"] for row in listed
    )
    for row in listed:
        expected = "; ".join(ALIASES.get(row["prompt_name"], [row["prompt_name"]]))
        assert row["simplemaps_name"] == expected


def test_the_states_are_the_fifty(simplemaps: Path, repository: Path) -> None:
    listed = (
        (repository.parent / "shared/data/us_states.txt").read_text(encoding="utf-8").split("\n")
    )
    protocol = load_protocol("reproduction-us-states", cities=simplemaps)
    assert protocol.regions.split == (("US", tuple(name for name in listed if name)),)


@pytest.fixture(scope="module")
def random_model() -> Backbone:
    """A ViT-B-32 that has learned nothing."""
    return create_backbone("ViT-B-32", seed=0).eval()


@pytest.fixture(scope="module")
def photograph_features(random_model: Backbone, real_photos: Path) -> Tensor:
    """Of all photographs that can be read."""
    images = []
    for path in sorted(real_photos.rglob("*.jpg")):
        try:
            images.append(center_crop(decode_image(path.read_bytes()), height=224, width=224))
        except SampleError:
            continue
    assert len(images) >= 150
    with torch.inference_mode():
        return torch.cat(
            [random_model.encode_image(part) for part in torch.split(torch.stack(images), 32)]
        )


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("name", ["reproduction", "reproduction-us-states"])
def test_a_random_model_answers_real_photographs_as_the_published_rule(
    simplemaps: Path, random_model: Backbone, photograph_features: Tensor, name: str
) -> None:
    protocol = load_protocol(name, cities=simplemaps)
    with torch.inference_mode():
        wrong, _ = disagreements(
            protocol,
            rule_of(simplemaps, protocol),
            photograph_features,
            text_encoder(random_model, torch.device("cpu")),
        )
    assert wrong == []
