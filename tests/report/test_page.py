"""The page is whole, the same for the same result, and no name breaks out of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from tests.report.example import example_result, picture

from streetclip.evaluation.result import Result
from streetclip.report.page import PAGE_FILE, page, tiles, write_page

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>' {{ 7*7 }} &amp; <!--"
VOID = {"meta", "link", "br", "img", "path", "rect", "circle", "use"}


class Reader(HTMLParser):
    """Collects elements, and asserts that each is closed where it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text.append(data)

    @classmethod
    def of(cls, html: str) -> "Reader":
        reader = cls()
        reader.feed(html)
        reader.close()
        assert reader.open == []
        return reader

    def ids(self) -> Iterator[str]:
        return (value for _, attrs in self.seen if (value := attrs.get("id")) is not None)


@pytest.fixture(scope="module")
def example() -> Result:
    return example_result(120)


def test_the_page_is_well_formed_and_its_references_lead_somewhere(example: Result) -> None:
    reader = Reader.of(page(example, thumbnails=picture))
    ids = list(reader.ids())
    assert len(ids) == len(set(ids))
    for tag, attrs in reader.seen:
        href = attrs.get("href") or ""
        if href.startswith("#"):
            assert href[1:] in ids, (tag, href)
        for name in ("aria-labelledby", "aria-describedby"):
            assert set((attrs.get(name) or "").split()) <= set(ids)
        assert not [name for name in attrs if name.startswith("on") or name == "style"]


def test_nothing_is_fetched(example: Result) -> None:
    reader = Reader.of(page(example, thumbnails=picture))
    for tag, attrs in reader.seen:
        for name in ("src", "href", "xlink:href", "srcset", "action", "poster"):
            value = attrs.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, name, value)
    assert "url(http" not in page(example)


def test_the_same_result_gives_the_same_page(example: Result, tmp_path: Path) -> None:
    path = write_page(example, tmp_path / "new")
    assert path == tmp_path / "new" / PAGE_FILE
    assert path.read_text(encoding="utf-8") == page(example)


def test_every_part_is_there(example: Result) -> None:
    text = " ".join(" ".join(Reader.of(page(example)).text).split())
    for words in (
        "IM2GPS3K (partial: 120 of 2,997 photographs)",
        "StreetCLIP paper (Haas, Alberti and Skreta 2023, arXiv 2302.00275)",
        "public reproduction (zilunzhang/StreetCLIP-Repoduce, README)",
        "not measured here",
        "best with the country known",
        "Equal Earth projection",
        "a1" * 32,
        "c3" * 32,
        example.protocol_digest,
        "notes (copy).jpg",
        "missing_two.jpg",
        "000501_a",
        "Seen in training",
        "2 of 122 photographs (1.6 %) are the same picture as one of 1,100 training photographs.",
        "without the leaked",
        "000871_c",
        "streetclip benchmark --model MODEL --data im2gps3k=PATH --protocol paper",
        "torch ",
        "Pictures may be private",
    ):
        assert words in text, words


def test_values_of_the_result_stand_in_the_page(example: Result) -> None:
    html = page(example)
    share = example.values["within_750km"]
    assert share.value is not None
    assert share.low is not None
    assert f"{100 * share.value:.1f} %" in html
    assert f"{100 * share.low:.1f} to " in html
    ceiling = example.ceilings["within_25km/known_country"].value
    assert ceiling is not None
    assert f"{100 * ceiling:.1f} %" in html
    assert [tile.label for tile in tiles(example)][:2] == ["median error", "country"]


def test_published_rows_stand_only_beside_their_set(example: Result) -> None:
    assert "TransLocator" not in page(replace(example, set_name="val"))
    assert 'id="published"' not in page(replace(example, set_name="val"))


def test_pictures_are_shown_only_when_given(example: Result) -> None:
    assert "data:image/jpeg" not in page(example)
    with_pictures = page(example, thumbnails=picture)
    assert with_pictures.count("data:image/jpeg") > 20
    assert "no picture: " in with_pictures


def test_hostile_names_stay_text(example: Result) -> None:
    table = example.predictions
    for column in ("key", "true_country", "predicted_country", "true_town", "predicted_city"):
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array([HOSTILE] * len(table)))
    hostile = replace(
        example,
        predictions=table,
        model=HOSTILE,
        protocol=HOSTILE,
        decoding=HOSTILE,
        weights_digest=HOSTILE,
        unreadable=((HOSTILE, HOSTILE),),
        missing=(HOSTILE,),
        surplus=(HOSTILE,),
        clusters=3,
        clustered_by=HOSTILE,
        leaks={
            **example.leaks,
            "train_digest": HOSTILE,
            "pairs": [{HOSTILE: HOSTILE}],
            HOSTILE: [HOSTILE],
            "nothing": None,
            "empty": [],
        },
        versions={HOSTILE: HOSTILE},
    )
    for name in ("im2gps3k", HOSTILE):
        html = page(replace(hostile, set_name=name), thumbnails=lambda _: None)
        reader = Reader.of(html)
        assert [tag for tag, _ in reader.seen].count("script") == 1
        assert not [attrs for _, attrs in reader.seen if "onerror" in attrs]
        assert not [tag for tag, _ in reader.seen if tag == "img"]
        text = "".join(reader.text)
        assert text.count("<script>alert(1)</script>") > 40
        # Neither an element nor a template.
        assert text.count("{{ 7*7 }}") == text.count("<script>alert(1)</script>")


def test_a_page_of_many_photographs_stays_small(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    result = make_result(50_000, resamples=2)
    raw = picture("000001_a")
    path = write_page(result, tmp_path, thumbnails=lambda _: raw)
    size = path.stat().st_size
    assert 200_000 < size < 3_000_000
    text = path.read_text(encoding="utf-8")
    assert re.search(r"2,0[0-2][0-9] of 50,000 photographs, evenly taken", text)


def test_a_page_of_almost_nothing_says_what_is_missing(make_result: Callable[..., Result]) -> None:
    result = make_result(2)
    table = result.predictions
    for column, kind in (
        ("true_latitude", pa.float64()),
        ("true_longitude", pa.float64()),
        ("distance_km", pa.float64()),
        ("true_country", pa.string()),
    ):
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array([None, None], kind))
    html = page(replace(result, predictions=table, values={}))
    Reader.of(html)
    for words in (
        "The country of no photograph is known.",
        "Nobody knows where any photograph was taken.",
        "This result tells no reliability.",
        "This result tells nothing about abstaining.",
    ):
        assert words in html
