"""What a user calls a set, and what a result on it is called."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tinyshards import write_tiny_shards

from streetclip.errors import InputError, ShardError
from streetclip.evaluation.registry import (
    KNOWN_SETS,
    NamedSource,
    SetFacts,
    facts_of,
    parse_data,
    set_facts,
    set_title,
)
from streetclip.manifest.presets import PRESETS
from streetclip.shards.layout import ShardSet, open_shard_set, write_shard_set


@pytest.mark.parametrize(
    ("name", "photos", "more", "title"),
    [
        ("im2gps", 237, {}, "IM2GPS (237 photographs)"),
        ("OSV5M", 3, {}, "OSV-5M (partial: 3 of 210,122 photographs)"),
        ("mine", 1000, {}, "mine (1,000 photographs)"),
        ("mine", 97, {"missing": 3}, "mine (partial: 97 of 100 photographs)"),
        ("mine", 97, {"set_photos": 100}, "mine (partial: 97 of 100 photographs)"),
        ("im2gps3k", 2994, {"missing": 3}, "IM2GPS3K (partial: 2,994 of 2,997 photographs)"),
        ("im2gps3k", 2997, {"missing": 3}, "IM2GPS3K (partial: 2,997 of 3,000 photographs)"),
        ("im2gps", 240, {}, "IM2GPS (240 photographs, 237 were published)"),
    ],
)
def test_titles_count_photographs(name: str, photos: int, more: dict[str, int], title: str) -> None:
    assert set_title(name, photos, **more) == title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("im2gps3k=/data/x", NamedSource("im2gps3k", "/data/x", "im2gps3k")),
        ("IM2GPS=a", NamedSource("im2gps", "a", "im2gps")),
        ("folder=photos/oslo", NamedSource("oslo", "photos/oslo", "folder")),
        ("csv=photos/oslo.csv", NamedSource("oslo", "photos/oslo.csv", "csv")),
        ("holiday=photos/oslo.csv", NamedSource("holiday", "photos/oslo.csv")),
        ("a=b=c.csv", NamedSource("a", "b=c.csv")),
        ("photos/oslo.csv", NamedSource("oslo", "photos/oslo.csv")),
        ("photos/a=b.csv", NamedSource("a=b", "photos/a=b.csv")),
        ("https://h.org/a/val?sig=1", NamedSource("val", "https://h.org/a/val?sig=1")),
        ("mine=https://h.org/val?sig=1", NamedSource("mine", "https://h.org/val?sig=1")),
    ],
)
def test_a_set_is_named_by_preset_by_the_user_or_by_its_path(
    text: str, expected: NamedSource
) -> None:
    assert parse_data(text) == expected


def test_a_path_that_exists_is_a_path_whatever_its_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "im2gps=old").mkdir()
    assert parse_data("im2gps=old") == NamedSource("im2gps=old", "im2gps=old")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("im2gps=", "names no photographs; allowed: PATH, or NAME=PATH"),
        ("", "names no photographs"),
        ("=x", "cannot be called ''; allowed: letters, digits"),
        ("my set=x", "cannot be called 'my set'; .*or a preset: own, im2gps"),
    ],
)
def test_what_names_no_set_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_data(text)


def test_every_published_set_has_a_preset_and_every_preset_a_tree() -> None:
    assert set(KNOWN_SETS) == set(PRESETS) - {"own", "csv", "folder"}
    assert all(preset.tree for preset in PRESETS.values())


def _with(folder: Path, said: object) -> ShardSet:
    shard_set = open_shard_set(write_tiny_shards(folder, sizes=(2,)))
    changed = replace(shard_set, options={} if said is None else {"benchmark": said})
    write_shard_set(changed)
    return changed


def test_a_shard_set_tells_what_it_lacks(tmp_path: Path) -> None:
    said = {"preset": "im2gps", "photographs": 236, "missing": ["a.jpg"], "surplus": ["b.jpg"]}
    _with(tmp_path / "set", said)
    facts = set_facts(tmp_path / "set", name="Hays")
    assert facts == SetFacts("Hays", "im2gps", 237, ("a.jpg",), ("b.jpg",))
    said |= {"preset": None}
    assert facts_of(_with(tmp_path / "own", said), "own").set_photos == 236


def test_of_other_shard_sets_only_the_name_is_known(tmp_path: Path) -> None:
    shard_set = _with(tmp_path / "yfcc4k", None)
    assert set_facts(tmp_path / "yfcc4k") == SetFacts("yfcc4k", None, 4536)
    assert facts_of(shard_set, "val") == SetFacts("val")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([], "says nothing clear about its benchmark set"),
        ({"preset": 3, "photographs": 4}, "says nothing clear"),
        ({"preset": None, "photographs": True}, "says nothing clear"),
        ({"preset": None, "photographs": 4}, "does not name its missing photographs"),
        ({"preset": None, "photographs": 4, "missing": [], "surplus": [1]}, "its surplus"),
    ],
)
def test_what_nobody_of_ours_has_written_is_refused(
    tmp_path: Path, said: object, message: str
) -> None:
    shard_set = _with(tmp_path / "set", json.loads(json.dumps(said)))
    with pytest.raises(ShardError, match=message):
        facts_of(shard_set, "set")
