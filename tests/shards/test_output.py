import os
from pathlib import Path

import pytest

from streetclip.errors import InputError
from streetclip.shards.output import check_file, check_folder, check_new_folder


def _ours(begin: bytes) -> bool:
    return begin.startswith(b"ours")


def test_new_and_empty_folders_are_taken_and_not_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "empty", tmp_path / "new", tmp_path / "new" / "below"):
        check_new_folder(out)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert not any((tmp_path / "empty").iterdir())


def test_a_relative_folder_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_new_folder(Path("out"))
    check_file(Path("out.csv"), "--out", is_ours=_ours)
    with pytest.raises(InputError, match=r"--out \.\./.* is not empty"):
        check_new_folder(Path("..") / tmp_path.name / "..")


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(InputError, match=r"--out .*file is a file; choose a new or empty folder"):
        check_new_folder(file)
    with pytest.raises(InputError, match=r"--here .*deep lies below a file: .*file; choose"):
        check_folder(file / "a" / "deep", "--here")
    with pytest.raises(InputError, match="is not empty; choose a new or empty folder"):
        check_new_folder(tmp_path)
    check_folder(tmp_path)


def test_a_link_that_leads_nowhere_is_in_the_way(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match="is a file"):
        check_folder(link)
    with pytest.raises(InputError, match="exists, and is no file that this command has written"):
        check_file(link, "--out", is_ours=_ours)


def test_a_folder_of_the_system_is_refused_with_its_reason() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("this system has no /proc")
    with pytest.raises(InputError, match="--out /proc/x/y: nothing can be written in /proc; got"):
        check_new_folder(Path("/proc/x/y"))
    with pytest.raises(InputError, match="nothing can be written in /proc"):
        check_file(Path("/proc/x.csv"), "--out", is_ours=_ours)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with pytest.raises(InputError, match=r"nothing can be written in .*locked; got: Permission"):
        check_folder(locked / "new")


def test_only_our_own_file_is_replaced(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.csv", tmp_path / "theirs.csv"
    ours.write_text("ours,1")
    theirs.write_text("theirs")
    check_file(ours, "--out", is_ours=_ours)
    check_file(tmp_path / "new.csv", "--out", is_ours=_ours)
    with pytest.raises(InputError, match="name a new file as --out, or move that one away"):
        check_file(theirs, "--out", is_ours=_ours)
    with pytest.raises(InputError, match="is a folder; name a file as --out"):
        check_file(tmp_path, "--out", is_ours=_ours)
    with pytest.raises(InputError, match=r"no such folder: .*absent; make it, or another --out"):
        check_file(tmp_path / "absent" / "x.csv", "--out", is_ours=_ours)
    with pytest.raises(InputError, match=r"--out .*x.csv: .*ours.csv is a file; name another"):
        check_file(ours / "x.csv", "--out", is_ours=_ours)
    assert ours.read_text() == "ours,1"
