import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tinyprobe import write_tiny_probe

from streetclip.errors import InputError, ManifestError, ProbeError
from streetclip.evaluation.probe_set import ProbeDataset, checked, find_probe
from streetclip.records import Preprocess

PREPROCESS = Preprocess(16, 16, (0.0,) * 3, (1.0,) * 3)


def test_folders_are_labels_and_underscores_spaces(tmp_path: Path) -> None:
    probe = find_probe(write_tiny_probe(tmp_path / "set", each=2))
    assert probe.labels == ("dark blue", "green", "red")
    assert [(photo.name, probe.labels[photo.label]) for photo in probe.photos] == [
        ("dark_blue/0.png", "dark blue"),
        ("dark_blue/1.png", "dark blue"),
        ("green/0.png", "green"),
        ("green/1.png", "green"),
        ("red/0.png", "red"),
        ("red/1.png", "red"),
    ]
    assert probe.prompts[0] == ("a photo of a dark blue.",)


def test_a_table_says_the_same_as_the_folders(tmp_path: Path) -> None:
    folder = write_tiny_probe(tmp_path / "set", each=1)
    table = folder / "probe.csv"
    table.write_text("label,image\ndark blue,dark_blue/0.png\ngreen,green/0.png\nred,red/0.png\n")
    assert find_probe(table) == find_probe(folder)
    assert checked(find_probe(table)).digest == checked(find_probe(folder)).digest


def test_the_digest_follows_photographs_and_labels_and_not_the_place(tmp_path: Path) -> None:
    folder = write_tiny_probe(tmp_path / "set", each=1)
    digest = checked(find_probe(folder)).digest
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    assert checked(find_probe(moved)).digest == digest
    (moved / "red").rename(moved / "rose")
    assert checked(find_probe(moved)).digest != digest
    shutil.copy(folder / "red/0.png", folder / "green/0.png")
    assert checked(find_probe(folder)).digest != digest


def _one_label(folder: Path) -> Path:
    return write_tiny_probe(folder / "set", colors=("red",))


def _empty(folder: Path) -> Path:
    return folder


def _absent(folder: Path) -> Path:
    return folder / "absent"


def _loose(folder: Path) -> Path:
    probe = write_tiny_probe(folder / "set", each=1)
    shutil.copy(probe / "red/0.png", probe / "loose.png")
    return probe


def _other_file(folder: Path) -> Path:
    (folder / "set.txt").write_text("")
    return folder / "set.txt"


def _table(text: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        probe = write_tiny_probe(folder / "set", each=1)
        (probe / "t.csv").write_text(text)
        return probe / "t.csv"

    return write


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_one_label, "nothing to tell apart; got: photographs of 'red' only; allowed: a folder"),
        (_empty, "nothing to tell apart; got: no photograph"),
        (_absent, "absent is not there; allowed: a folder of two or more subfolders"),
        (_loose, "without a label; got: 1 beside the subfolders, the first: loose.png"),
        (_other_file, "set.txt is no folder and no table"),
        (_table("image,class\nred/0.png,red\n"), "has no column label; got: image, class"),
        (_table("image,label\nred/9.png,red\n"), "line 2: no such file: red/9.png"),
        (_table("image,label\nred/0.png,\n"), "line 2 has no image or no label"),
        (_table("image,label\nt.csv,red\n"), "'t.csv' is not named like a photograph"),
        (_table("image,label\nred/0.png,red,x\n"), "line 2 has no image or no label"),
        (_table("image,label\nred/0.png,red\n"), "photographs of 'red' only"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    with pytest.raises(ProbeError) as error:
        find_probe(make(tmp_path))
    assert message in str(error.value)
    assert error.value.exit_code == 2


def test_a_table_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(ManifestError, match="is empty"):
        find_probe(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ([], "needs a prompt"),
        (["a photo"], "must name the label once"),
        (["{label} {label}"], "must name the label once"),
        (["a {label} in {country}"], "must name the label once"),
        (["a {label"], "must name the label once"),
    ],
)
def test_prompts_must_name_the_label(tmp_path: Path, templates: list[str], message: str) -> None:
    folder = write_tiny_probe(tmp_path / "set", each=1)
    with pytest.raises(InputError, match=message):
        find_probe(folder, templates)


def test_every_unreadable_photograph_is_named(tmp_path: Path) -> None:
    folder = write_tiny_probe(tmp_path / "set", each=2)
    whole = (folder / "red/0.png").read_bytes()
    (folder / "red/0.png").write_bytes(whole[: len(whole) // 2])
    (folder / "green/1.png").write_text("no image")
    with pytest.raises(ProbeError, match=r"got: 2 of 6: green/1.png \(unreadable.*red/0.png \("):
        checked(find_probe(folder))


def test_a_photograph_that_has_become_unreadable_comes_with_its_reason(tmp_path: Path) -> None:
    probe = checked(find_probe(write_tiny_probe(tmp_path / "set", each=1)))
    (probe.folder / "red/0.png").unlink()
    photos = ProbeDataset(probe, PREPROCESS)
    assert len(photos) == 3
    assert photos[0]["key"] == "dark_blue/0.png"
    assert "error" not in photos[0]
    assert "No such file" in photos[2]["error"]
    assert not photos[2]["image"].any()
