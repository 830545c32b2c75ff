"""The command exports, and refuses with what to do."""

from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import Finished


@pytest.mark.parametrize(
    ("to", "files"),
    [
        ("hf", {"config.json", "model.safetensors", "preprocessor_config.json", "vocab.json"}),
        ("open_clip", {"open_clip_config.json", "open_clip_model.safetensors"}),
    ],
)
def test_a_checkpoint_becomes_a_folder_that_can_be_measured(
    finished: Finished, tmp_path: Path, to: str, files: set[str]
) -> None:
    out = tmp_path / "out"
    answer = command("export", finished.run / "checkpoints" / "best.ckpt", "--to", to, "--out", out)
    assert (answer.code, answer.err) == (0, "")
    assert f"exported: {out}" in answer.out
    assert files | {"README.md"} <= {path.name for path in out.iterdir()}
    table = next(finished.folder.glob("shards/*/photographs/val/photos.csv"))
    answer = command(
        "benchmark",
        *("--model", f"{to}:{out}", "--data", table, "--out", tmp_path / "result"),
        *("--protocol", finished.folder / "protocol.yaml"),
        *("bootstrap=20", f"shards_dir={tmp_path}/shards"),
    )
    assert answer.code == 0
    again = command(
        *("export", f"{to}:{out}", "--to", to, "--out", tmp_path / "again"),
        *("--result", tmp_path / "result"),
    )
    assert (again.code, again.err) == (0, "")
    assert "By continent of the true country" in (tmp_path / "again" / "README.md").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export",), "the following arguments are required: CKPT, --to, --out"),
        (("export", "a.ckpt", "--to", "onnx", "--out", "x"), "invalid choice: 'onnx'"),
        (("export", "absent.ckpt", "--to", "hf", "--out", "x"), "no checkpoint 'absent.ckpt'"),
        (("export", "hf:me/mine", "--to", "hf", "--out", "x"), "no folder 'me/mine'"),
    ],
)
def test_wrong_words_are_named(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command(*words)
    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []
