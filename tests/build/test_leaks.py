"""Training shards are compared with a benchmark set, and the result is told."""

import csv
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from PIL import Image
from tests.conftest import Finished
from tests.settrees import PHOTOS, flickr_name, write_im2gps3k

from streetclip.build.benchmark import benchmark
from streetclip.build.leaks import LeakOptions, check_leaks
from streetclip.build.sources import whole
from streetclip.config.data import ShardsConfig
from streetclip.config.load import load_benchmark
from streetclip.errors import InputError, ResultError
from streetclip.evaluation.result import read_result

TRAIN = 7


@dataclass(frozen=True)
class Case:
    """A benchmark set of 8 photographs, a result on it, and shards that show 3 of them again."""

    options: LeakOptions
    result: Path


@pytest.fixture(scope="module")
def case(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("leaks")
    given = write_im2gps3k(folder / "set")
    # Photographs of the sample world, because those of the tree are noise of 20 fields.
    (images,) = finished.folder.glob("shards/*/photographs/val/images")
    pictures = sorted(images.iterdir())
    lines = ["image,latitude,longitude"]
    (folder / "train").mkdir()
    for number in range(PHOTOS):
        path = given / "im2gps3ktest" / flickr_name(number)
        path.write_bytes(pictures[number].read_bytes())
    for number in range(TRAIN):
        train = folder / "train" / f"{number}.jpg"
        shown = pictures[number if number < 3 else number + PHOTOS - 3]
        with Image.open(io.BytesIO(shown.read_bytes())) as image:
            image.resize((90, 90)).save(train, quality=60)
        # The copies were given another place; the last one lies 11 m from a benchmark photograph.
        point = (48.8567, 2.3522) if number == TRAIN - 1 else (-33.0 - number, 151.0)
        lines.append(f"{number}.jpg,{point[0]},{point[1]}")
    (folder / "train" / "photos.csv").write_text("\n".join(lines) + "\n")
    shards = folder / "shards"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.cpu_count", lambda: 1)
        train_set = whole(str(folder / "train/photos.csv"), ShardsConfig(), shards, progress=False)
        words = [f"model={finished.folder}/model.json", f"data=im2gps3k={given}", "bootstrap=20"]
        words += [f"protocol={finished.folder}/protocol.yaml", f"shards_dir={shards}"]
        benchmark(load_benchmark(None, [*words, f"out={folder}/out"]), progress=False)
    options = LeakOptions(train=train_set, data=f"im2gps3k={given}", shards_dir=shards, processes=1)
    return Case(options, folder / "out")


def test_planted_copies_are_told_in_the_result_and_its_report(case: Case) -> None:
    _, summary, told = check_leaks(replace(case.options, result=case.result), progress=False)
    assert (summary["pictures"], summary["photos"]) == (3, 8)
    # Paris comes twice among the 8 places of the set.
    assert summary["places"] == 2
    again = read_result(case.result)
    assert again.leaks == json.loads(json.dumps(summary))
    assert again == told
    assert again.leaks["values_without"]["country_accuracy"]["n"] == 5
    report = (case.result / "report.md").read_text()
    assert "- 3 of 8 photographs (37.5 %) are the same picture as one of 7 training" in report
    assert "- 2 of 8 photographs (25.0 %) lie within 25 m of a training photograph" in report
    assert "| metric | all photographs | 95 % interval | without the leaked |" in report


def test_all_pairs_go_into_a_table(case: Case, tmp_path: Path) -> None:
    leaks, _, told = check_leaks(replace(case.options, out=tmp_path / "pairs.csv"), progress=False)
    assert told is None
    with (tmp_path / "pairs.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(leaks.pictures) + len(leaks.places)
    assert {row["kind"] for row in rows} == {"picture", "place"}
    assert {row["benchmark"] for row in rows} <= set(leaks.benchmark.keys)
    assert all(float(row["km"]) < 0.025 for row in rows if row["kind"] == "place")


def test_stricter_limits_find_less(case: Case) -> None:
    strict = replace(case.options, max_bits=0, max_meters=0.0)
    _, summary, _ = check_leaks(strict, progress=False)
    assert summary["places"] == 0
    assert summary["max_bits"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_bits": 65}, "--max-bits; got: 65; allowed: 0 to 64"),
        ({"max_meters": -1.0}, "--max-meters; got: -1.0; allowed: 0 or more"),
        ({"max_meters": float("nan")}, "--max-meters; got: nan"),
        ({"out": Path("absent/pairs.csv")}, "no such folder: absent; make it, or another --out"),
        ({"train": "absent"}, "no shard set at absent"),
    ],
)
def test_what_cannot_be_done_is_said_first(
    case: Case, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_leaks(replace(case.options, **changes), progress=False)  # type: ignore[arg-type]


def test_a_result_on_another_set_is_refused(case: Case, finished: Finished, tmp_path: Path) -> None:
    other = finished.run / "evaluations" / "epoch=002" / "val"
    with pytest.raises(InputError, match=r"is no result on im2gps3k=.*got: shard set"):
        check_leaks(replace(case.options, result=other), progress=False)
    with pytest.raises(ResultError, match="no result at"):
        check_leaks(replace(case.options, result=tmp_path / "none"), progress=False)
