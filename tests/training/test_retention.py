"""Which checkpoint files stay, and under which names."""

import logging
from pathlib import Path
from typing import Any

import pytest

from streetclip.training.retention import SET_ASIDE, keep_as, prune, set_newer_aside

NAMES = [f"epoch=00{number}-step=0000{number}0.ckpt" for number in range(4)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (*NAMES, "best.ckpt", "notes.txt"):
        (tmp_path / name).write_text(name)
    return tmp_path


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("keep", [1, 3, 9])
def test_the_newest_stay_and_what_has_another_name(folder: Path, keep: int) -> None:
    prune(folder, keep=keep)
    assert _names(folder) == ["best.ckpt", *NAMES[-keep:], "notes.txt"]


def test_what_is_newer_than_the_step_lies_aside_and_is_named(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        set_newer_aside(folder, step=10)
    assert _names(folder) == ["best.ckpt", *NAMES[:2], "notes.txt"]
    assert _names(folder / SET_ASIDE) == NAMES[2:]
    assert all(name in caplog.text for name in NAMES[2:])
    assert NAMES[1] not in caplog.text


def test_where_nothing_is_newer_no_folder_is_made(folder: Path) -> None:
    set_newer_aside(folder, step=30)
    assert not (folder / SET_ASIDE).exists()


@pytest.mark.parametrize("links", [True, False])
def test_a_second_name_keeps_the_content_when_the_first_is_deleted(
    folder: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr("os.link", refuse)
    source, best = folder / NAMES[3], folder / "best.ckpt"
    # What a killed run has left in the way.
    (folder / ".best.ckpt.part").write_text("half")
    keep_as(source, best)
    assert source.samefile(best) == links
    source.unlink()
    assert best.read_text() == NAMES[3]
    assert _names(folder) == ["best.ckpt", *NAMES[:3], "notes.txt"]
