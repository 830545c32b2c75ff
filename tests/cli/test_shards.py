import csv
import hashlib
import json
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.commandline import command
from tests.sources import read_with_webdataset, write_osv5m, write_table

ALONE = ("--processes", "1")
WRONG = (
    "north.jpg,95,2.0",
    "nowhere.jpg,,",
    "absent.jpg,48.8,2.3",
)


def _rejected(out: Path) -> dict[str, str]:
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


def _digests(folder: Path) -> dict[str, str]:
    return {tar.name: hashlib.sha256(tar.read_bytes()).hexdigest() for tar in folder.glob("*.tar")}


def test_a_table_becomes_tars_that_webdataset_reads(tmp_path: Path) -> None:
    source, out = write_table(tmp_path / "source", 8, lines=WRONG), tmp_path / "out"
    words = ("--val-share", "0.25", "--samples-per-shard", "4", "--seed", "1", *ALONE)
    answer = command("shards", "build", source, out, *words)
    assert answer.code == 0
    assert f"8 of 11 photographs written to {out}" in answer.out
    assert f"every rejected photograph is named in {out}/rejected.csv" in answer.out
    rejected = _rejected(out)
    assert set(rejected) == {"north.jpg", "nowhere.jpg", "absent.jpg"}
    for reason in rejected.values():
        assert f"rejected, {reason}: 1" in answer.out
    samples = read_with_webdataset(sorted(out.glob("*/*.tar")))
    assert len(samples) == 8
    metadata = [json.loads(sample["json"]) for sample in samples]
    assert {fields["country"] for fields in metadata} == {"FR", "NA", "JP"}
    assert all(sample["jpg"].startswith(b"\xff\xd8") for sample in samples)
    split = json.loads((out / "build.json").read_text())["splits"]
    assert {name: part["photographs"] for name, part in split.items()} == {"train": 6, "val": 2}


def test_countries_are_held_out_and_a_full_folder_is_not_touched(tmp_path: Path) -> None:
    source, out = write_table(tmp_path / "source", 8), tmp_path / "out"
    words = ("--val-share", "0", "--holdout-countries", "Namibia", "JP", "--quality", "80")
    assert command("shards", "build", source, out, *words, *ALONE).code == 0
    train = json.loads((out / "train" / "shards.json").read_text())
    assert train["countries"] == {"FR": 4}
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    answer = command("shards", "build", source, out, *words, *ALONE)
    assert answer.code == 2
    assert f"output folder {out} is not empty" in answer.err
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_index_leaves_tars_as_they_are(tmp_path: Path) -> None:
    folder = write_osv5m(tmp_path / "osv5m")
    before = _digests(folder)
    answer = command("shards", "index", folder)
    assert (answer.code, answer.out) == (0, f"24 samples in 2 shards indexed: {folder}\n")
    assert _digests(folder) == before
    content = json.loads((folder / "shards.json").read_text())
    assert content["countries"] == {"FR": 12, "JP": 4, "NA": 6}
    assert "NA/Khomas/Windhoek" in content["towns"]
    answer = command("shards", "verify", folder, *ALONE)
    assert answer.code == 2
    assert answer.out.count("missing_country") == 2
    assert command("shards", "verify", folder, "--captions", "none", *ALONE).code == 0


def test_wrong_options_are_named_together(tmp_path: Path) -> None:
    words = ("--quality", "500", "--val-share", "2", "--samples-per-shard", "0")
    answer = command("shards", "build", tmp_path, tmp_path / "out", *words)
    assert answer.code == 2
    assert "has 3 problems" in answer.err
    assert "quality must be 1 to 100; got: 500" in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--holdout-countries", "Atlantis"), "holdout_countries names an unknown country"),
        (("--opt-out", "absent.txt"), "opt_out file absent.txt cannot be read"),
        (("--preset", "mine"), "no such preset; got: mine; allowed: own, im2gps"),
        (("--columns", "family"), "family"),
        (("--columns", "latitude"), "have a meaning of their own"),
    ],
)
def test_an_option_that_does_not_fit_leaves_no_folder(
    tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    source = write_table(tmp_path / "source", 4)
    answer = command("shards", "build", source, tmp_path / "out", *words, *ALONE)
    assert answer.code == 2
    assert message in answer.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["index", "verify", "stats"])
def test_a_folder_without_shards_is_named(tmp_path: Path, verb: str) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        answer = command("shards", verb, folder)
        assert answer.code == 2
        assert str(folder) in answer.err


def test_a_set_at_a_url_is_verified_and_described_as_the_local_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    out = tmp_path / "out"
    command("shards", "build", write_table(tmp_path / "source", 8), out, *ALONE)
    with BadServer(out) as server:
        for words in (("verify", *ALONE), ("stats",)):
            local = command("shards", words[0], out, *words[1:])
            remote = command("shards", words[0], server.url, *words[1:])
            assert remote.code == local.code == 0
            assert remote.out == local.out.replace(str(out), server.url)
        answer = command("shards", "verify", f"{server.url}/absent")
        assert answer.code == 2
        assert f"no shard set at {server.url}/absent" in answer.err
    assert any((tmp_path / "cache" / "streetclip").iterdir())
