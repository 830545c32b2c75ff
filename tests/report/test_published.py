"""Quoted figures are those of their sources."""

import re
from pathlib import Path

import pytest

from streetclip.evaluation.registry import KNOWN_SETS
from streetclip.evaluation.values import STATISTICS
from streetclip.report.published import KINDS, published_names, published_rows

RADII = ("within_25km", "within_200km", "within_750km", "within_2500km")
SETS = ("im2gps", "im2gps3k", "yfcc4k", "osv5m")


def figures(set_name: str, model: str, kind: str) -> list[str]:
    (row,) = [r for r in published_rows(set_name) if (r.model, r.kind) == (model, kind)]
    return [row.figures[name] for name in RADII]


@pytest.mark.parametrize(
    ("model", "kind", "im2gps", "im2gps3k"),
    [
        ("ISNs 2018", "paper", "43.0 51.9 66.7 80.2", "28.0 36.6 49.7 66.0"),
        ("TransLocator 2022", "paper", "48.1 64.6 75.6 86.7", "31.1 46.7 58.9 80.1"),
        ("CLIP L/14-336, zero-shot", "paper", "27.0 42.2 71.7 86.9", "19.5 34.0 60.0 78.1"),
        ("StreetCLIP, zero-shot", "paper", "28.3 45.1 74.7 88.2", "22.4 37.4 61.3 80.4"),
        (
            "StreetCLIP, zero-shot",
            "reproduction",
            "28.27 42.62 67.51 80.17",
            "21.79 34.73 55.52 74.84",
        ),
    ],
)
def test_figures_are_those_of_the_source(model: str, kind: str, im2gps: str, im2gps3k: str) -> None:
    assert figures("im2gps", model, kind) == im2gps.split()
    assert figures("IM2GPS3K", model, kind) == im2gps3k.split()


def test_planet_on_the_later_set_is_marked_as_measured_by_others() -> None:
    assert figures("im2gps", "PlaNet 2016", "paper") == ["24.5", "37.6", "53.6", "71.3"]
    assert figures("im2gps3k", "PlaNet 2016", "reproduction") == ["24.8", "34.3", "48.4", "64.6"]


def test_every_row_names_a_known_set_a_kind_and_a_source() -> None:
    for name in SETS:
        assert name in KNOWN_SETS
        rows = published_rows(name)
        assert rows
        for row in rows:
            assert row.kind in KINDS
            assert len(row.source) > 8
            assert set(row.figures) <= set(STATISTICS)


def test_shares_are_per_cent_and_grow_with_the_radius() -> None:
    for row in (row for name in SETS for row in published_rows(name)):
        shares = [float(row.figures[name]) for name in row.figures if name.startswith("within")]
        assert shares == sorted(shares)
        assert all(0 < share < 100 for share in shares)


def test_a_set_that_nobody_has_published_on_has_no_rows() -> None:
    assert published_rows("val") == ()
    assert published_names(published_rows("val")) == []


def test_only_told_values_have_a_column() -> None:
    assert published_names(published_rows("osv5m")) == ["geoscore", "country_accuracy"]
    assert published_rows("osv5m")[2].text("country_accuracy") == "-"
    assert published_rows("osv5m")[0].text("geoscore") == "3,361"


def test_all_rows_of_the_reference_are_there(repository: Path) -> None:
    reference = repository.parent / "shared" / "reference" / "streetclip.md"
    if not reference.exists():
        pytest.skip(f"no reference at {reference}")
    text = reference.read_text(encoding="utf-8")
    section = text[text.index("## 4. Figures") : text.index("None of the CLIP-to-StreetCLIP")]
    quads = re.findall(r"[0-9]+\.[0-9]+(?: / [0-9]+\.[0-9]+){3}", section)
    assert len(quads) == 16
    known = {
        " / ".join(row.figures[name] for name in RADII if name in row.figures)
        for set_name in ("im2gps", "im2gps3k")
        for row in published_rows(set_name)
    }
    assert set(quads) <= known
