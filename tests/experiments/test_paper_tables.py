"""The paper's tables in one command, on stand-ins: tiny models of new weights, made photographs."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import REPOSITORY
from tests.hfclip import make_clip, save_clip
from tests.tinyrun import MODEL

from streetclip.build.benchmark import Benchmark, benchmark
from streetclip.config.load import load_benchmark
from streetclip.geo.gazetteer import load_gazetteer
from streetclip.geo.simplemaps import COLUMNS
from streetclip.report.published import published_rows
from streetclip.zeroshot.defects import DEFECTS
from streetclip.zeroshot.document import read_document
from streetclip.zeroshot.protocol import load_protocol

FILE = REPOSITORY / "experiments" / "benchmark" / "paper_tables.yaml"
# As the sets' photographs are called.
NAMES = ("104123223_7410c654ba_19_19355699@N00", "2_b_3_4@N01", "3_c_4_5@N02", "4_d_5_6@N03")
PLACES = ((48.86, 2.35), (35.68, 139.69), (-33.87, 151.21), (40.71, -74.01))
TABLES = {"im2gps": "filename,latitude,longitude", "im2gps3k": "IMG_ID,LAT,LON,S2"}
QUICK = ("paper", "paper+beam", "reproduction@worldcities.csv")


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """Both sets as they unpack, both models, and a table of cities."""
    rng = np.random.default_rng(3)
    for name, header in TABLES.items():
        folder = tmp_path / "photos" / name
        (folder / "images").mkdir(parents=True)
        lines = [header]
        for photograph, (latitude, longitude) in zip(NAMES, PLACES, strict=True):
            pixels = rng.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / f"{photograph}.jpg")
            rest = ",7" if header.count(",") == 3 else ""
            lines.append(f"{photograph}.jpg,{latitude},{longitude}{rest}")
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "clip.json").write_text(json.dumps({**MODEL, "quick_gelu": True}))
    save_clip(make_clip(), tmp_path / "weights" / "StreetCLIP")
    _write_cities(tmp_path / "worldcities.csv")
    return tmp_path


def _write_cities(path: Path) -> None:
    """The largest town of each country of the paper, and a town in each state of the USA."""
    towns = load_gazetteer()
    rows: list[tuple[object, ...]] = []
    for code in load_protocol("paper").countries:
        row = int(towns.largest(code, 1)[0])
        latitude, longitude = towns.latlon[row]
        rows.append((towns.name[row], latitude, longitude, code, "", 1000, len(rows)))
    for state in read_document("reproduction-us-states").content["regions"]["split"]["US"]:
        rows.append((f"{state} Town", 40.0, -90.0, "US", state, 10, len(rows)))
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


def run(folder: Path, protocols: Sequence[str]) -> Benchmark:
    cities = f"@{folder}/worldcities.csv"
    listed = json.dumps([name.replace("@worldcities.csv", cities) for name in protocols])
    words = [
        f"models=[open_clip:{folder}/clip.json, hf:{folder}/weights/StreetCLIP]",
        "data=[" + ", ".join(f"{name}={folder}/photos/{name}" for name in TABLES) + "]",
        f"protocols={listed}",
        *(f"out={folder}/out", f"shards_dir={folder}/shards"),
        *(f"features.cache_dir={folder}/cache", "bootstrap=20", "accelerator=cpu"),
    ]
    return benchmark(load_benchmark(FILE, words), progress=False)


def assert_complete(done: Benchmark, protocols: int) -> None:
    text = (done.out / "tables.md").read_text()
    for title in ("IM2GPS (partial: 4 of 237", "IM2GPS3K (partial: 4 of 2,997"):
        assert f"## {title} photographs)" in text
    for model in ("clip", "StreetCLIP"):
        rows = [line for line in text.splitlines() if line.startswith(f"| [{model}](")]
        assert len(rows) == 2 * protocols
    for name in TABLES:
        for row in published_rows(name):
            assert f"| {row.model} | {row.kind}: {row.source} |" in text
    assert len({result.protocol for _, result in done.results}) == protocols
    assert all(result.photos == 4 for _, result in done.results)


def test_one_file_names_both_models_both_sets_and_every_defect() -> None:
    options = load_benchmark(FILE)
    assert options.models == [
        "open_clip:ViT-L-14-336-quickgelu:openai",
        "hf:weights/StreetCLIP",
    ]
    assert [data.partition("=")[0] for data in options.data] == ["im2gps", "im2gps3k"]
    named = {Path(protocol.partition("@")[0]).stem for protocol in options.protocols}
    assert {"paper", "paper+beam", "paper+expected", "reproduction", "streetclip"} <= named
    assert {f"mended_{name}" for name in DEFECTS} <= named
    assert set(QUICK) <= set(options.protocols)


def test_one_command_makes_both_tables(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    done = run(stand_ins, QUICK)
    assert_complete(done, len(QUICK))
    assert [result.protocol for _, result in done.results[:3]] == [
        *("paper", "paper+beam", "reproduction@worldcities.csv"),
    ]
    assert [result.decoding for _, result in done.results[:3]] == ["greedy", "beam", "greedy"]


@pytest.mark.slow
def test_one_command_attributes_every_defect(
    stand_ins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    protocols = load_benchmark(FILE).protocols
    assert_complete(run(stand_ins, protocols), len(protocols))
