"""The page in a real browser: complete, silent, without a network, usable by keyboard."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.devtools import Browser, find_chromium
from tests.report.example import example_result, picture

from streetclip.report.page import write_page
from streetclip.report.projection import on_canvas
from streetclip.report.worldmap import WIDTH

ENTER = ("Enter", 13, "\r")
TAB = ("Tab", 9)


@dataclass(frozen=True)
class Opened:
    """A browser, and the page that it shall open."""

    browser: Browser
    page: Path

    def load(self, width: int = 1400, scheme: str = "light") -> Browser:
        self.browser.events.clear()
        self.browser.size(width)
        self.browser.color_scheme(scheme)
        self.browser.open(self.page)
        return self.browser


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """One browser and one page for all tests of this file."""
    program = find_chromium()
    folder = tmp_path_factory.mktemp("chromium")
    page = write_page(example_result(200), folder, thumbnails=picture)
    with Browser(program, folder / "profile") as browser:
        yield Opened(browser, page)


def test_maps_curves_and_tables_are_there(opened: Opened) -> None:
    browser = opened.load()
    assert browser.evaluate("document.querySelectorAll('svg.map').length") == 2
    assert browser.evaluate("document.querySelectorAll('svg.chart').length") == 3
    assert browser.evaluate("document.querySelectorAll('main table').length") >= 9
    assert browser.evaluate("document.querySelectorAll('#m1-t').length") == 1
    assert browser.evaluate("document.querySelectorAll('svg.map .arc').length") == 20
    pictures = "[...document.images].filter(i => i.complete && i.naturalWidth > 0).length"
    assert 30 <= browser.evaluate(pictures) <= 40
    heights = "[...document.querySelectorAll('svg.map')].map(map => map.clientHeight)"
    assert min(browser.evaluate(heights)) > 300


def test_the_land_is_drawn_where_the_projection_puts_it(opened: Opened) -> None:
    browser = opened.load()
    box = browser.evaluate(
        """(() => {
            const box = document.querySelector("#c-AU").getBBox();
            return [box.x, box.y, box.width, box.height];
        })()"""
    )
    # Australia with Tasmania: 113 to 154 degrees east, 10 to 44 degrees south.
    x, y, width, height = box
    corners = np.array([[113.0, -26.0], [154.0, -26.0], [130.0, -10.5], [146.0, -43.7]])
    west, east, north, south = on_canvas(corners, WIDTH)
    assert (x, x + width) == pytest.approx((west[0], east[0]), abs=25)
    assert (y, y + height) == pytest.approx((north[1], south[1]), abs=25)


def test_the_console_is_clean_and_nothing_is_fetched(opened: Opened) -> None:
    browser = opened.load()
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.complaints() == []
    assert browser.requests() == [opened.page.resolve().as_uri()]


def test_the_policy_blocks_what_the_page_does_not_hold(opened: Opened) -> None:
    browser = opened.load()
    browser.evaluate(
        """document.body.insertAdjacentHTML(
            "beforeend", '<img src="file:///etc/hostname" onerror="window.hit = 1">'
        )"""
    )
    browser.evaluate("fetch('file:///etc/hostname').catch(() => 0)")
    assert any("Content Security Policy" in text for text in browser.complaints())
    assert browser.evaluate("window.hit === undefined")


def test_no_name_becomes_an_element(opened: Opened, tmp_path: Path) -> None:
    result = example_result(20)
    name = """'"><img src=x onerror="window.hit = 1"><script>window.hit = 1</script>"""
    table = result.predictions
    for column in ("key", "true_country", "predicted_country", "predicted_city"):
        place = table.schema.get_field_index(column)
        table = table.set_column(place, column, pa.array([name] * len(table)))
    hostile = replace(result, predictions=table, model=name, set_name=name, missing=(name,))
    browser = opened.browser
    browser.events.clear()
    browser.open(write_page(hostile, tmp_path))
    assert browser.evaluate("window.hit === undefined")
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("document.scripts.length") == 1
    assert browser.evaluate(f"document.body.textContent.split({json.dumps(name)}).length") > 20
    assert browser.complaints() == []


def test_a_table_is_sorted_by_keyboard(opened: Opened) -> None:
    browser = opened.load()
    rows = "[...document.querySelectorAll('#by-country tbody tr')]"
    numbers = f"{rows}.map(row => Number(row.children[4].dataset.v))"
    names = f"{rows}.map(row => row.children[0].textContent)"
    before = browser.evaluate(names)
    browser.evaluate("document.querySelectorAll('#by-country button')[0].focus()")
    for _ in range(3):
        browser.press(*TAB)
    focused = browser.evaluate("document.activeElement.textContent")
    assert focused == "median error"
    for direction, reverse in (("descending", True), ("ascending", False)):
        browser.press(*ENTER)
        values = browser.evaluate(numbers)
        assert values == sorted(values, reverse=reverse)
        assert len(set(values)) > 10
        states = browser.evaluate(
            "[...document.querySelectorAll('#by-country thead th')].map(h => h.ariaSort)"
        )
        assert states == ["none", "none", "none", None, direction, "none"]
        told = browser.evaluate("document.getElementById('announce').textContent")
        assert told == f"sorted by median error, {direction}"
    assert sorted(browser.evaluate(names)) == sorted(before)


def test_the_first_tab_reaches_the_skip_link_and_its_focus_is_seen(opened: Opened) -> None:
    browser = opened.load()
    browser.press(*TAB)
    assert browser.evaluate("document.activeElement.className") == "skip"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().top >= 0")
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(*ENTER)
    assert browser.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("width", [1400, 400, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_window(opened: Opened, width: int, scheme: str) -> None:
    browser = opened.load(width, scheme)
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    wide = browser.evaluate(
        """[...document.querySelectorAll('main *, header *, footer *')].filter(e =>
            !e.closest('.scroll, svg, pre') && e.getBoundingClientRect().right > innerWidth + 0.5
        ).map(e => e.tagName + '.' + e.className)"""
    )
    assert wide == []


# WCAG: luminance of what is seen behind and of the text, for every text of the page.
CONTRAST = """
(() => {
  const rgb = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || e.closest('script, defs, title, desc')) continue;
    const style = getComputedStyle(e);
    const text = rgb(e.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(text), light(behind(e))].sort((x, y) => y - x);
    const name = e.tagName + '.' + e.className + ': ' + e.textContent.slice(0, 30);
    found.push([(a + 0.05) / (b + 0.05), name]);
  }
  return found.sort((x, y) => x[0] - y[0]);
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind(opened: Opened, scheme: str) -> None:
    browser = opened.load(1400, scheme)
    ratios = browser.evaluate(CONTRAST)
    assert len(ratios) > 500
    assert ratios[0][0] >= 4.5, ratios[:5]


def test_dark_and_light_differ_and_print_is_light(opened: Opened) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = opened.load(1400, "light").evaluate(background)
    dark = opened.load(1400, "dark").evaluate(background)
    assert light != dark
    opened.browser.media("print")
    assert opened.browser.evaluate(background) == "rgb(255, 255, 255)"
    display = "getComputedStyle(document.querySelector('nav')).display"
    assert opened.browser.evaluate(display) == "none"
    opened.browser.media("")


def test_a_screen_reader_hears_figures_tables_and_their_names(opened: Opened) -> None:
    browser = opened.load()
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and "role" in node
    ]
    figures = {name for role, name in heard if role in ("image", "img")}
    assert {
        "Map of the world with true and predicted points",
        "Map of the world with the median error of each country",
        "Cumulative error curve",
        "Reliability curve",
        "Coverage against accuracy",
    } <= figures
    assert all(name for role, name in heard if role in ("image", "img", "button", "link", "region"))
    levels = browser.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
