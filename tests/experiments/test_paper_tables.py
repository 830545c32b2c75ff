"""The paper's tables in one command, on stand-ins: tiny models of new weights, made photographs."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.conftest import REPOSITORY
from tests.tinyrun import MODEL

from streetclip.build.benchmark import benchmark
from streetclip.config.load import load_benchmark

FILE = REPOSITORY / "experiments" / "benchmark" / "paper_tables.yaml"
# As the sets' photographs are called.
NAMES = ("104123223_7410c654ba_19_19355699@N00", "2_b_3_4@N01", "3_c_4_5@N02", "4_d_5_6@N03")
PLACES = ((48.86, 2.35), (35.68, 139.69), (-33.87, 151.21), (40.71, -74.01))
TABLES = {"im2gps": "filename,latitude,longitude", "im2gps3k": "IMG_ID,LAT,LON,S2"}


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """Both sets as tables beside their photographs, and two models."""
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
        (folder / "table.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "clip.json").write_text(json.dumps({**MODEL, "quick_gelu": True}))
    (tmp_path / "streetclip.json").write_text(json.dumps({**MODEL, "embed_dim": 24}))
    return tmp_path


def test_one_file_names_both_models_and_both_sets() -> None:
    options = load_benchmark(FILE)
    assert options.models == [
        "open_clip:ViT-L-14-336-quickgelu:openai",
        "hf:weights/StreetCLIP",
    ]
    assert [data.partition("=")[0] for data in options.data] == ["im2gps", "im2gps3k"]
    assert {"paper", "streetclip"} <= set(options.protocols)


def test_one_command_prints_both_tables(stand_ins: Path) -> None:
    words = [
        f"models=[open_clip:{stand_ins}/clip.json, {stand_ins}/streetclip.json]",
        "data=["
        + ", ".join(f"{name}={stand_ins}/photos/{name}/table.csv" for name in TABLES)
        + "]",
        f"out={stand_ins}/out",
        *(f"shards_dir={stand_ins}/shards", f"features.cache_dir={stand_ins}/cache"),
        *("bootstrap=20", "accelerator=cpu"),
    ]
    options = load_benchmark(FILE, words)
    done = benchmark(options, progress=False)
    text = (stand_ins / "out" / "tables.md").read_text()
    for title in ("IM2GPS (partial: 4 of 237", "IM2GPS3K (partial: 4 of 2,997"):
        assert f"## {title} photographs)" in text
    assert len(done.results) == 2 * 2 * len(options.protocols)
    for model in ("clip", "streetclip"):
        rows = [line for line in text.splitlines() if line.startswith(f"| [{model}](")]
        assert len(rows) == 2 * len(options.protocols)
    assert all(result.photos == 4 for _, result in done.results)
    assert {row["true_country"] for row in done.result.predictions.to_pylist()} == {
        *("AU", "FR", "JP", "US")
    }
