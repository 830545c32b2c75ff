from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.sources import write_osv5m, write_table

from streetclip.build.sources import build_options, prepare, whole
from streetclip.config.data import DataConfig, SampleWorldConfig, ShardsConfig
from streetclip.errors import ManifestError, ShardError
from streetclip.shards.layout import open_shard_set


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything in this process: starting others takes longer than what they would do."""
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})


def _data(source: object, folder: Path, **changes: object) -> DataConfig:
    data = DataConfig(source=str(source), shards_dir=str(folder / "shards"))
    for name, value in changes.items():
        setattr(data, name, value)
    return data


def test_a_source_is_built_once_and_found_again(tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 8)
    data = _data(table, tmp_path, shards=ShardsConfig(val_share=0.25))
    first = prepare(data, {}, progress=False)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tar")}
    assert prepare(data, {}, progress=False) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.tar")} == written
    assert first.val is not None
    counts = [len(open_shard_set(Path(folder))) for folder in (first.train, first.val)]
    assert counts == [6, 2]


def test_other_options_or_another_table_are_another_shard_set(tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 4)
    plain = prepare(_data(table, tmp_path, shards=ShardsConfig(val_share=0)), {}, progress=False)
    small = ShardsConfig(val_share=0, max_side_px=20)
    smaller = prepare(_data(table, tmp_path, shards=small), {}, progress=False)
    write_table(tmp_path / "source", 5)
    longer = prepare(_data(table, tmp_path, shards=ShardsConfig(val_share=0)), {}, progress=False)
    assert len({plain.train, smaller.train, longer.train}) == 3
    assert plain.val is None


def test_validation_photographs_are_taken_whole(tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 8)
    options = ShardsConfig(val_share=0.25, holdout_countries=["FR"])
    folder = whole(str(table), options, tmp_path / "shards", progress=False)
    assert len(open_shard_set(Path(folder))) == 8
    assert whole(folder, options, tmp_path / "shards") == folder


def test_named_sets_are_built_too(tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 4)
    data = _data(table, tmp_path, shards=ShardsConfig(val_share=0))
    sources = prepare(data, {"city": str(table)}, progress=False)
    assert len(open_shard_set(Path(sources.sets["city"]))) == 4


def test_bare_tars_are_passed_on_only_to_the_resampled_order(tmp_path: Path) -> None:
    folder = write_osv5m(tmp_path / "tars", tars=1)
    resampled = prepare(_data(folder, tmp_path, order="resampled"), {}, progress=False)
    assert (resampled.train, resampled.val) == (str(folder), None)
    with pytest.raises(ShardError, match=r"shards index .* once, or set data.order=resampled"):
        prepare(_data(folder, tmp_path), {}, progress=False)
    one = prepare(_data(folder / "00.tar", tmp_path, order="resampled"), {}, progress=False)
    assert one.train == str(folder / "00.tar")
    url = "https://example.org/{00..03}.tar"
    assert prepare(_data(url, tmp_path, order="resampled"), {}, progress=False).train == url


def test_a_table_is_built_for_the_resampled_order_too(tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 4)
    data = _data(table, tmp_path, order="resampled", shards=ShardsConfig(val_share=0))
    assert len(open_shard_set(Path(prepare(data, {}, progress=False).train))) == 4


def test_countries_can_be_held_out_of_the_sample_world(tmp_path: Path) -> None:
    world = SampleWorldConfig(photos=12, val_photos=6, countries=2)
    data = _data("sample-world", tmp_path, sample_world=world)
    plain = prepare(data, {}, progress=False)
    countries = sorted(open_shard_set(Path(plain.train)).countries)
    assert len(countries) == 2
    data.shards.holdout_countries = countries[:1]
    held = prepare(data, {}, progress=False)
    assert sorted(open_shard_set(Path(held.train)).countries) == countries[1:]
    assert held.val is not None
    assert sorted(open_shard_set(Path(held.val)).countries) == countries
    data.shards.holdout_countries = ["Atlantis"]
    with pytest.raises(ManifestError, match="unknown country; got: Atlantis"):
        prepare(data, {}, progress=False)


def test_two_commands_that_want_the_same_sample_world_share_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = SampleWorldConfig(photos=12, val_photos=4, size_px=32)
    data = _data("sample-world", tmp_path, sample_world=world)
    caplog.set_level("INFO")
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: prepare(data, {}, progress=False), range(2))
    assert one == two
    assert len(open_shard_set(Path(one.train))) == 12
    assert "another process is building" in caplog.text
    assert [path.name for path in (tmp_path / "shards").iterdir()] == [
        Path(one.train).parents[1].name
    ]


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match=r"no such source: absent; allowed: sample-world"):
        prepare(_data("absent", tmp_path), {}, progress=False)


def test_the_writer_gets_every_option() -> None:
    options = ShardsConfig(quality=70, opt_out="list.txt", holdout_countries=["FR"])
    built = build_options(options, keep_unplaced=True)
    assert (built.quality, built.opt_out) == (70, Path("list.txt"))
    assert (list(built.holdout_countries), built.keep_unplaced) == (["FR"], True)
