"""Photographs that the table does not name are found where nobody else's can lie."""

from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.errors import SampleError
from streetclip.manifest import finder as module
from streetclip.manifest.finder import Finder

MakePhoto = Callable[..., Path]


def test_by_id_the_whole_folder_is_looked_through(tmp_path: Path, make_photo: MakePhoto) -> None:
    used = make_photo("images/00/17.jpg")
    make_photo("images/00/18.jpg")
    make_photo("deep/er/19.png")
    make_photo("images/.20.jpg")
    finder = Finder(tmp_path, by_id=True)
    assert finder.find("17") == str(used)
    assert finder.surplus([str(used)], []) == ("deep/er/19.png", "images/00/18.jpg")
    assert finder.surplus([str(used)], ["18"]) == ("deep/er/19.png",)
    assert finder.surplus([str(used)], ["00/18.jpg", "19"]) == ()


def test_by_path_only_the_folders_that_the_table_names_are(
    tmp_path: Path, make_photo: MakePhoto
) -> None:
    used = make_photo("mine/a.jpg")
    make_photo("mine/b.jpg")
    make_photo("holidays/c.jpg")
    make_photo("mine/deeper/d.jpg")
    finder = Finder(tmp_path, by_id=False)
    assert finder.surplus([str(used)], []) == ("mine/b.jpg",)


def test_very_many_are_counted(
    tmp_path: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SURPLUS", 2)
    for number in range(5):
        make_photo(f"{number}.jpg")
    assert Finder(tmp_path, by_id=True).surplus([], []) == ("0.jpg", "1.jpg", "and 3 more")


def test_a_name_that_is_nowhere_says_where_was_looked(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=f"missing_file: nothing of this name below {tmp_path}"):
        Finder(tmp_path, by_id=True).find("17")
    with pytest.raises(SampleError, match="path_outside_folder"):
        Finder(tmp_path, by_id=True).check("../17")
