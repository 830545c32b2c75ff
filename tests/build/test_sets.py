"""Every benchmark set becomes a shard set from the path that it was downloaded to."""

import logging
from pathlib import Path

import pytest
from tests.conftest import Finished
from tests.settrees import PHOTOS, TREES, flickr_name, write_csv, write_im2gps3k

from streetclip.build.benchmark import benchmark
from streetclip.build.sources import prepare, whole
from streetclip.config.data import DataConfig, ShardsConfig
from streetclip.config.load import load_benchmark
from streetclip.data.photos import PhotoDataset
from streetclip.data.usable import Usable
from streetclip.errors import ManifestError
from streetclip.evaluation.registry import KNOWN_SETS, SetFacts, set_facts
from streetclip.evaluation.result import Result, read_result
from streetclip.records import Preprocess
from streetclip.shards.layout import open_shard_set
from streetclip.shards.verify import verify

LOST = (1, 4, 6)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in this process: starting others takes longer than what they would do."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)


def _built(name: str, given: Path, folder: Path) -> tuple[Path, SetFacts]:
    preset = name.partition(" ")[0]
    made = Path(whole(str(given), ShardsConfig(preset=preset), folder, progress=False))
    return made, set_facts(made, name=preset)


@pytest.mark.parametrize("name", TREES)
def test_the_layout_of_every_preset_becomes_a_whole_shard_set(tmp_path: Path, name: str) -> None:
    given = TREES[name](tmp_path / "set")
    before = sorted(path for path in tmp_path.rglob("*") if "shards" not in path.parts)
    made, facts = _built(name, given, tmp_path / "shards")
    assert sorted(p for p in tmp_path.rglob("*") if "shards" not in p.parts) == before
    data = PhotoDataset(open_shard_set(made), Preprocess(8, 8, (0.0,) * 3, (1.0,) * 3))
    photographs = [data[index] for index in range(len(data))]
    assert len(photographs) == PHOTOS
    assert not [photo["error"] for photo in photographs if "error" in photo]
    known = KNOWN_SETS.get(name.partition(" ")[0])
    assert facts.set_photos == (known.photos if known else PHOTOS)
    assert facts.surplus == ()
    assert facts.preset == name.partition(" ")[0]
    if name != "country211":
        assert facts.missing == ()
        assert all("latitude" in photo["metadata"] for photo in photographs)


@pytest.mark.parametrize("name", [name for name in TREES if name not in ("folder", "country211")])
def test_of_every_preset_missing_photographs_are_named(tmp_path: Path, name: str) -> None:
    given = TREES[name](tmp_path / "set", LOST)
    made, facts = _built(name, given, tmp_path / "shards")
    assert len(open_shard_set(made)) == PHOTOS - 3
    assert len(facts.missing) == 3
    if name == "im2gps3k":
        assert facts.missing == tuple(flickr_name(number) for number in LOST)


def test_of_country211_the_gaps_are_told_by_folder(tmp_path: Path) -> None:
    given = TREES["country211"](tmp_path / "set", (1,))
    made, facts = _built("country211", given, tmp_path / "shards")
    assert len(open_shard_set(made)) == PHOTOS - 1
    assert open_shard_set(made).countries == {"FR": 3, "XK": 4}
    assert len(facts.missing) == 97 + 96
    assert facts.missing[0] == "FR/ (4 of 100)"


@pytest.mark.parametrize("name", ["country211", "osv5m (shards)"])
def test_what_was_built_to_be_measured_verifies_without_a_problem(
    tmp_path: Path, name: str
) -> None:
    made, _ = _built(name, TREES[name](tmp_path / "set"), tmp_path / "shards")
    assert open_shard_set(made).options["keep_unplaced"]
    assert verify(made, Usable(None)) == []


def test_equal_bytes_are_two_photographs_of_a_benchmark(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "set")
    (tmp_path / "set/images/1.jpg").write_bytes((tmp_path / "set/images/0.jpg").read_bytes())
    made, facts = _built("csv", table, tmp_path / "shards")
    assert len(open_shard_set(made)) == PHOTOS
    assert facts.missing == ()


def test_surplus_and_unreadable_photographs_are_named(tmp_path: Path) -> None:
    given = write_im2gps3k(tmp_path / "set")
    images = given / "im2gps3ktest"
    (images / "more").mkdir()
    (images / "more" / "extra.jpg").write_bytes((images / flickr_name(0)).read_bytes())
    (images / flickr_name(5)).write_bytes(b"no picture")
    _, facts = _built("im2gps3k", given, tmp_path / "shards")
    assert facts.surplus == ("more/extra.jpg",)
    assert facts.missing == (f"{flickr_name(5)} (unreadable_image)",)


def test_photographs_that_come_later_make_another_shard_set(tmp_path: Path) -> None:
    given = write_im2gps3k(tmp_path / "set", LOST)
    part, _ = _built("im2gps3k", given, tmp_path / "shards")
    assert _built("im2gps3k", given, tmp_path / "shards")[0] == part
    write_im2gps3k(tmp_path / "set")
    every, facts = _built("im2gps3k", given, tmp_path / "shards")
    assert every != part
    assert facts.missing == ()


def test_ready_shards_are_indexed_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "streetclip")
    given = TREES["osv5m (shards)"](tmp_path / "set")
    made, _ = _built("osv5m", given, tmp_path / "shards")
    assert made.parent == tmp_path / "shards"
    assert [path.is_symlink() for path in sorted(made.glob("*.tar"))] == [True, True]
    assert _built("osv5m", given, tmp_path / "shards")[0] == made
    assert caplog.text.count("indexed:") == caplog.text.count("shard set found") == 1


def test_a_named_set_of_an_experiment_is_known_by_its_name(tmp_path: Path) -> None:
    table = write_csv(tmp_path / "train")
    data = DataConfig(source=str(table), shards_dir=str(tmp_path / "shards"))
    data.shards.val_share = 0.0
    given = write_im2gps3k(tmp_path / "set", LOST)
    sources = prepare(data, {"im2gps3k": str(given)}, progress=False)
    assert len(set_facts(sources.sets["im2gps3k"]).missing) == 3


def test_a_set_that_is_not_there_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"yfcc4k: no file or folder .*absent; expected:\n"):
        _built("yfcc4k", tmp_path / "absent", tmp_path / "shards")
    assert not (tmp_path / "shards").exists()


def test_where_no_photograph_lies_the_tree_is_drawn(tmp_path: Path) -> None:
    given = write_im2gps3k(tmp_path / "set", range(PHOTOS))
    with pytest.raises(ManifestError, match=r"not one of the 8 .*im2gps3ktest; got: .*expected:\n"):
        _built("im2gps3k", given, tmp_path / "shards")


def _measured(finished: Finished, data: str, folder: Path) -> Result:
    words = [
        f"model={finished.folder}/model.json",
        f"data={data}",
        f"protocol={finished.folder}/protocol.yaml",
        f"out={folder}/out",
        f"shards_dir={folder}/shards",
        "bootstrap=20",
    ]
    benchmark(load_benchmark(None, words), progress=False)
    return read_result(folder / "out")


def test_a_result_on_a_tree_with_3_photographs_missing_is_titled_as_partial(
    finished: Finished, tmp_path: Path
) -> None:
    given = write_im2gps3k(tmp_path / "set", LOST)
    result = _measured(finished, f"im2gps3k={given}", tmp_path)
    assert result.title == "IM2GPS3K (partial: 5 of 2,997 photographs)"
    assert result.missing == tuple(flickr_name(number) for number in LOST)
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith("# Zero-shot geolocation on IM2GPS3K (partial: 5 of 2,997")
    assert f"are missing; not counted: 3 ({', '.join(result.missing)})." in report


def test_a_users_own_set_is_partial_too(finished: Finished, tmp_path: Path) -> None:
    table = write_csv(tmp_path / "set", LOST)
    assert _measured(finished, f"fjord={table}", tmp_path / "a").title == (
        "fjord (partial: 5 of 8 photographs)"
    )
    write_csv(tmp_path / "set")
    assert _measured(finished, str(table), tmp_path / "b").title == "oslo (8 photographs)"


def test_without_coordinates_only_the_country_counts(finished: Finished, tmp_path: Path) -> None:
    given = TREES["country211"](tmp_path / "set")
    result = _measured(finished, f"country211={given}", tmp_path)
    assert result.title == "Country211 (partial: 8 of 21,100 photographs)"
    assert result.predictions["distance_km"].null_count == PHOTOS
    country = result.values["country_accuracy"]
    assert (country.n, country.value is not None) == (PHOTOS, True)
    without = [name for name, estimate in result.values.items() if estimate.value is None]
    assert {"within_25km", "within_2500km", "median_km", "mean_km", "geoscore"} <= set(without)
    report = (tmp_path / "out" / "report.md").read_text()
    assert "without coordinates; only the country counts: 8." in report
    assert "median error" not in report
