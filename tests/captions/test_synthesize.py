import math
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streetclip.captions.synthesize import check_columns, synthesize
from streetclip.captions.template import load_template
from streetclip.errors import SampleError

DRAWS = 20_000
FACT_DRAWS = 10_000
PLACE = {"country": "FR", "region": "Brittany", "town": "Brest"}
EVERYTHING = PLACE | {"climate": "Cfb", "drives_left": False, "heading": 90, "month": 6}


@cache
def drawn_facts() -> list[str]:
    return captions("street_facts", EVERYTHING, FACT_DRAWS)


def captions(name: str, columns: dict[str, Any], count: int = DRAWS) -> list[str]:
    template, rng = load_template(name), np.random.default_rng(11)
    return [synthesize(template, columns, rng) for _ in range(count)]


def agrees(count: int, probability: float, total: int) -> bool:
    """Within four standard deviations of a binomial."""
    spread = math.sqrt(total * probability * (1 - probability))
    return abs(count - total * probability) <= 4 * spread


def test_places_are_named_as_often_as_the_paper_names_them() -> None:
    expected = {
        "A Street View photo in France.": 0.24,
        "A Street View photo in the region of Brittany in France.": 0.36,
        "A Street View photo close to the town of Brest in France.": 0.16,
        "A Street View photo close to the town of Brest in the region of Brittany in France.": 0.24,
    }
    drawn = Counter(captions("street", PLACE))
    assert set(drawn) == set(expected)
    # Chi-square with 3 degrees of freedom exceeds 16.3 once in a thousand.
    assert sum((drawn[text] - DRAWS * p) ** 2 / (DRAWS * p) for text, p in expected.items()) < 16.3


def test_facts_are_told_as_often_as_the_table_says() -> None:
    drawn = drawn_facts()
    climate = sum("climate" in text for text in drawn)
    alone = [text for text in drawn if "climate" not in text]
    assert agrees(climate, 0.4, FACT_DRAWS)
    located = sum("Street View" in text for text in drawn if "climate" in text)
    assert agrees(located, 0.7, climate)
    assert all("Street View" in text for text in alone)
    assert agrees(sum("Traffic" in text for text in alone), 0.3, len(alone))
    assert not any("Traffic" in text for text in drawn if "climate" in text)
    assert agrees(sum("camera" in text for text in drawn), 0.3, FACT_DRAWS)
    assert agrees(sum("June" in text for text in drawn), 0.3, FACT_DRAWS)
    told = [text for text in drawn if "Street View" in text]
    assert agrees(sum("Brest" in text for text in told), 0.4, len(told))
    assert agrees(sum("Brittany" in text for text in told), 0.6, len(told))


def test_the_location_comes_first_and_the_facts_in_any_order() -> None:
    drawn = drawn_facts()
    assert all(text.startswith("A Street View") for text in drawn if "Street View" in text)
    both = [text for text in drawn if "camera" in text and "June" in text]
    assert agrees(sum(t.index("camera") < t.index("June") for t in both), 0.5, len(both))


def test_without_facts_only_the_location_is_made() -> None:
    plain, facts = (Counter(captions(name, PLACE, 4000)) for name in ("street", "street_facts"))
    assert set(plain) == set(facts)
    assert all(agrees(facts[text], plain[text] / 4000, 4000) for text in plain)


@pytest.mark.parametrize("unknown", [None, math.nan, "", "  "])
def test_unknown_columns_leave_their_slot_out(unknown: Any) -> None:
    drawn = set(captions("street", {"country": "NL", "region": unknown, "town": unknown}, 50))
    assert drawn == {"A Street View photo in the Netherlands."}


@pytest.mark.parametrize("columns", [{}, {"country": None}, {"country": "", "town": "Brest"}])
def test_a_sample_without_country_is_refused(columns: dict[str, Any]) -> None:
    with pytest.raises(SampleError, match="missing_country"):
        synthesize(load_template("street"), columns, np.random.default_rng(0))


def test_a_caption_depends_on_columns_template_and_generator_alone() -> None:
    template = load_template("street_facts")

    def draw(columns: dict[str, Any], seed: int = 5) -> list[str]:
        rng = np.random.default_rng(seed)
        return [synthesize(template, columns, rng) for _ in range(20)]

    assert draw(EVERYTHING) == draw(EVERYTHING | {"licence": "CC0", "latitude": 48.4})
    assert draw(EVERYTHING) != draw(EVERYTHING, seed=6)


def test_an_unknown_fact_does_not_change_what_else_is_told() -> None:
    template = load_template("street_facts")
    for seed in range(50):
        full = synthesize(template, EVERYTHING, np.random.default_rng(seed))
        without = {name: value for name, value in EVERYTHING.items() if name != "month"}
        less = synthesize(template, without, np.random.default_rng(seed))
        assert less == " ".join(
            part for part in full.replace(". ", ".\n").split("\n") if "June" not in part
        )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"climate": None, "month": None, "heading": None, "drives_left": None}, None),
        ({"climate": "Zz"}, "bad_metadata: climate"),
        ({"month": 13}, "bad_metadata: month"),
        ({"drives_left": 1}, "bad_metadata: drives_left"),
        ({"country": None}, "missing_country"),
        ({"country": "Atlantis"}, "unknown_country"),
    ],
)
def test_columns_are_refused_beforehand_exactly_if_some_caption_would_be(
    changed: dict[str, Any], reason: str | None
) -> None:
    template, columns = load_template("street_facts"), EVERYTHING | changed
    drawn = set()
    for seed in range(200):
        try:
            synthesize(template, columns, np.random.default_rng(seed))
        except SampleError as error:
            drawn.add(error.reason)
    if reason is None:
        check_columns(template, columns)
        assert not drawn
    else:
        with pytest.raises(SampleError, match=reason):
            check_columns(template, columns)
        assert drawn == {reason.split(":")[0]}


def test_a_part_that_is_never_told_is_never_refused(tmp_path: Path) -> None:
    path = tmp_path / "never.yaml"
    path.write_text(
        "source: our own\ncolumns: {country: required, month: optional}\n"
        "sentences: [{parts: [{text: 'A photo in {country}'}, "
        "{text: 'in {month|month}', probability: 0}]}]\n"
    )
    check_columns(load_template(str(path)), {"country": "FR", "month": 13})


def test_names_are_written_in_plain_quotes_on_one_line() -> None:
    columns = {"country": "IT", "town": "Sant’Angelo\n d'Ischia"}
    drawn = set(captions("street", columns, 50))
    assert "A Street View photo close to the town of Sant'Angelo d'Ischia in Italy." in drawn


def test_another_domain_needs_only_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plants.yaml"
    path.write_text(
        """
source: our own
columns: {family: required, genus: optional, species: optional}
sentences:
  - parts:
      - text: A photo of a plant
      - text: of the species {species|lower}
        probability: 0.5
      - {text: "of the genus {genus}", probability: 0.5}
      - text: of the family {family}
  - name: remark
    text: It is {genus|article}
    probability: 0.5
    end: "!"
""",
        encoding="utf-8",
    )
    template, rng = load_template(str(path)), np.random.default_rng(0)
    oak = {"family": "Fagaceae", "genus": "Oak", "species": "Quercus Robur"}
    drawn = Counter(synthesize(template, oak, rng) for _ in range(4000))
    assert len(drawn) == 8
    longest = (
        "A photo of a plant of the species quercus robur of the genus Oak of the family Fagaceae. "
        "It is an Oak!"
    )
    assert agrees(drawn[longest], 0.125, 4000)
    family = {"family": "Fagaceae"}
    assert synthesize(template, family, rng) == "A photo of a plant of the family Fagaceae."
