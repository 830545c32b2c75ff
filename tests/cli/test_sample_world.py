import csv
from pathlib import Path

from PIL import Image
from tests.commandline import command


def test_the_command_renders_photographs_with_a_table(tmp_path: Path) -> None:
    out = tmp_path / "world"
    words = ("--photos", "3", "--seed", "5", "--size", "128", "--countries", "2", "--towns", "val")
    answer = command("sample-world", out, *words)
    assert answer.code == 0
    assert f"3 rendered photographs and photos.csv in {out}" in answer.out
    with (out / "photos.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert len({row["country"] for row in rows}) <= 2
    with Image.open(out / rows[0]["image"]) as picture:
        assert picture.size == (128, 128)


def test_wrong_numbers_and_a_full_folder_are_refused(tmp_path: Path) -> None:
    for words, message in (
        (("--photos", "0"), "photos is too small; got: 0; allowed: 1 or more"),
        (("--size", "5"), "size_px is too small"),
        (("--countries", "0"), "countries is too small"),
        (("--towns", "some"), "invalid choice: 'some'"),
    ):
        answer = command("sample-world", tmp_path / "world", *words)
        assert answer.code == 2
        assert message in answer.err
    assert not (tmp_path / "world").exists()
    (tmp_path / "mine").write_text("")
    answer = command("sample-world", tmp_path, "--photos", "1")
    assert answer.code == 2
    assert "is not empty; choose a new or empty folder" in answer.err
