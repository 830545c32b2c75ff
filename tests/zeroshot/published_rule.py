"""The published rule of the public reproduction, in plain loops and fp64.

It is that of eval_img2gps.py of zilunzhang/StreetCLIP-Repoduce, told in our own words: the
first of the largest scores names a country, the first of the largest scores among the names of its
30 most populous cities a city, and the first row of that name in the table the coordinates.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

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


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
