"""What `streetclip shards verify` prints, and the clean set that it writes on request."""

import csv
from pathlib import Path

from tests.badthings.shardset import good_sample, write_shards
from tests.badthings.tarbytes import GoodSample, members_of, tar_of
from tests.commandline import command
from tests.sources import write_table

ALONE = ("--processes", "1")


def _rejected(out: Path) -> dict[str, str]:
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row["reason"] for row in csv.DictReader(file)}


def test_verify_finds_a_changed_byte(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = write_table(tmp_path / "source", 4)
    command("shards", "build", source, out, "--val-share", "0", *ALONE)
    good = command("shards", "verify", out, *ALONE)
    assert (good.code, good.out) == (0, f"0 problems in {out}\n")
    tar = next(out.glob("all/*.tar"))
    data = bytearray(tar.read_bytes())
    data[2000] ^= 0xFF
    tar.write_bytes(data)
    bad = command("shards", "verify", out, *ALONE)
    assert bad.code == 2
    assert "all/000000.tar\t\ttar_digest\t" in bad.out
    assert f"problems in {out}" in bad.out


def test_verify_cleans_on_request(tmp_path: Path) -> None:
    folder, out = tmp_path / "set", tmp_path / "out"
    samples = [good_sample(number) for number in range(3)]
    nowhere = GoodSample("nowhere", samples[0].image, b'{"latitude": 1, "longitude": 2}')
    write_shards(folder, [[*samples, nowhere]])
    assert command("shards", "verify", folder, *ALONE).code == 2
    answer = command("shards", "verify", folder, "--clean", out, *ALONE)
    assert answer.code == 0
    assert "000000.tar\tnowhere\tmissing_country\t" in answer.out
    assert f"3 samples kept in {out}\n1 left out, listed in {out}/rejected.csv\n" in answer.out
    assert _rejected(out) == {"000000.tar/nowhere": "missing_country"}
    assert command("shards", "verify", out, *ALONE).code == 0
    again = command("shards", "verify", folder, "--clean", out, *ALONE)
    assert again.code == 2
    assert "is not empty" in again.err
    every = ("--captions", "none", "--clean", tmp_path / "every")
    assert "4 samples kept" in command("shards", "verify", folder, *every, *ALONE).out


def test_a_set_that_is_only_measured_may_have_photographs_without_a_country(
    tmp_path: Path,
) -> None:
    source, out = write_table(tmp_path / "source", 4, lines=("sea.jpg,-40,-120",)), tmp_path / "out"
    (source.parent / "sea.jpg").write_bytes(good_sample(0).image)
    words = ("--val-share", "0", "--keep-unplaced", *ALONE)
    assert command("shards", "build", source, out, *words).code == 0
    answer = command("shards", "verify", out, *ALONE)
    assert answer.code == 0
    assert "photographs without a country are no problem here" in answer.out
    answer = command("shards", "verify", out, "--captions", "street", *ALONE)
    assert (answer.code, answer.out.count("missing_country")) == (2, 1)


def test_names_in_a_tar_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    member = ("\x1b[2J\r.txt.jpg", b"x")
    (tmp_path / "0.tar").write_bytes(tar_of([member, *members_of([good_sample(0)])]))
    answer = command("shards", "verify", tmp_path, *ALONE)
    assert answer.code == 2
    assert "0.tar\t?[2J?.txt.jpg\tdot_in_key\t" in answer.out
    assert "\x1b" not in answer.out
