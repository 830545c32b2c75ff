"""The figures of a shard set against a table counted by hand."""

from collections.abc import Callable
from pathlib import Path

from tests.badserver import BadServer
from tests.badthings.shardset import write_shards
from tests.badthings.tarbytes import GoodSample

from streetclip.shards.cache import Cache
from streetclip.shards.stats import spread_positions, stats
from streetclip.shards.write import BuildOptions, build_shards

MakeSource = Callable[..., Path]


def test_a_table_of_twelve(make_source: MakeSource, tmp_path: Path) -> None:
    build_shards(make_source(12), tmp_path / "out", options=BuildOptions(val_share=0))
    (figures,) = stats(tmp_path / "out", examples=3)
    assert (figures.name, figures.samples, figures.shards) == ("all", 12, 1)
    assert figures.countries == {"FR": 4, "GB": 2, "KE": 2, "NA": 2, "JP": 2}
    assert figures.towns == 6
    assert 1 <= figures.regions <= 6
    assert figures.width_px == (64.0,) * 5
    assert figures.height_px == (48.0,) * 5
    assert figures.known["licence"] == 1.0
    assert len(figures.examples) == 3


def test_each_split_has_its_own_figures(make_source: MakeSource, tmp_path: Path) -> None:
    build_shards(make_source(12), tmp_path / "out", options=BuildOptions(val_share=0.5))
    assert [(figures.name, figures.samples) for figures in stats(tmp_path / "out")] == [
        ("train", 6),
        ("val", 6),
    ]


def test_unreadable_photographs_are_counted(
    tmp_path: Path, make_json: Callable[..., bytes]
) -> None:
    write_shards(tmp_path / "set", [[GoodSample("a", b"no picture", make_json())]])
    (figures,) = stats(tmp_path / "set")
    assert (figures.looked_at, figures.unreadable) == (0, 1)
    assert figures.name == "set"


def test_positions_are_spread_over_all_shards() -> None:
    assert spread_positions((3, 3), 10) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert spread_positions((5, 1, 4), 2) == [(0, 0), (1, 0)]


def test_a_remote_set_has_the_figures_of_the_local_one(
    make_source: MakeSource, tmp_path: Path
) -> None:
    build_shards(make_source(6), tmp_path / "out", options=BuildOptions(val_share=0))
    with BadServer(tmp_path / "out") as server:
        assert stats(server.url, cache=Cache(tmp_path / "cache")) == stats(tmp_path / "out")
