"""Exports are whole, are the weights that benchmarks measure, and carry only their own results."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.conftest import Finished

from streetclip.build.export import ExportOptions, export
from streetclip.build.model import named_backbone
from streetclip.errors import InputError, ModelError, ModelMismatchError, ProblemsError
from streetclip.evaluation.result import Result, read_result, write_result
from streetclip.model.backbone import Backbone
from streetclip.model.weights import load_backbone, weights_digest


@pytest.fixture
def checkpoint(finished: Finished) -> str:
    return str(finished.run / "checkpoints" / "best.ckpt")


@pytest.fixture
def own_result(finished: Finished, checkpoint: str, tmp_path: Path) -> Path:
    """A result of the checkpoint's weights: one that the run has written."""
    found = sorted(finished.run.glob("evaluations/**/results.json"))
    digest = weights_digest(load_backbone(Path(checkpoint)))
    result = replace(read_result(found[-1].parent), weights_digest=digest)
    write_result(result, tmp_path / "result")
    return tmp_path / "result"


def _features(model: Backbone) -> torch.Tensor:
    image = torch.full((1, 3, 32, 32), 90, dtype=torch.uint8)
    with torch.no_grad():
        return model.encode_image(image) @ model.encode_text(model.tokenize(["Japan"])).T


@pytest.mark.parametrize(("to", "prefix"), [("hf", "hf:"), ("open_clip", "open_clip:")])
def test_an_export_is_the_averaged_model_and_can_be_exported_again(
    checkpoint: str, tmp_path: Path, to: str, prefix: str
) -> None:
    model = load_backbone(Path(checkpoint))
    out = export(ExportOptions(checkpoint, to, tmp_path / "out"))
    again = named_backbone(f"{prefix}{out}").eval()
    assert weights_digest(again) == weights_digest(model)
    assert torch.equal(_features(again), _features(model))
    other = {"hf": "open_clip", "open_clip": "hf"}[to]
    twice = export(ExportOptions(f"{prefix}{out}", other, tmp_path / "twice"))
    assert "streetclip has only converted these weights" in (twice / "README.md").read_text()
    assert weights_digest(named_backbone(f"{other}:{twice}")) == weights_digest(model)


def test_whoever_may_read_a_new_file_may_read_the_export(checkpoint: str, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        out = export(ExportOptions(checkpoint, "hf", tmp_path / "out"))
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o640}
    assert out.stat().st_mode & 0o777 == 0o750


def test_the_card_tells_training_and_results(
    checkpoint: str, own_result: Path, tmp_path: Path
) -> None:
    out = export(ExportOptions(checkpoint, "hf", tmp_path / "mine", [own_result]))
    text = (out / "README.md").read_text()
    digest = weights_digest(load_backbone(Path(checkpoint)))
    for part in ("# mine", f"`{digest[:16]}`", "new weights, drawn at random", "By continent"):
        assert part in text
    assert str(tmp_path) not in text
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_results_of_other_weights_are_refused_all_together(
    checkpoint: str, own_result: Path, tmp_path: Path, make_other: Callable[[Path], Path]
) -> None:
    folders = [own_result, make_other(tmp_path / "other"), tmp_path / "absent"]
    with pytest.raises(
        ProblemsError, match=r"(?s)list of --result has 2 .*other is of other weights.*no result at"
    ):
        export(ExportOptions(checkpoint, "hf", tmp_path / "out", folders))
    assert not (tmp_path / "out").exists()


@pytest.fixture
def make_other(own_result: Path) -> Callable[[Path], Path]:
    """Writes the same result under another digest of weights."""

    def make(folder: Path) -> Path:
        result: Result = replace(read_result(own_result), weights_digest="0" * 64)
        write_result(result, folder)
        return folder

    return make


@pytest.mark.parametrize(
    ("to", "fill", "message"),
    [("onnx", False, "--to; got: onnx; allowed: hf, open_clip"), ("hf", True, "is not empty")],
)
def test_a_wrong_form_and_a_full_folder_are_refused(
    checkpoint: str, tmp_path: Path, to: str, fill: bool, message: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if fill:
        (out / "mine.txt").touch()
    with pytest.raises(InputError, match=message):
        export(ExportOptions(checkpoint, to, out))
    assert [path.name for path in out.iterdir()] == (["mine.txt"] if fill else [])


def test_a_model_that_cannot_be_said_leaves_no_folder(finished: Finished, tmp_path: Path) -> None:
    config: dict[str, Any] = json.loads((finished.folder / "model.json").read_text())
    config["vision_cfg"] = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16}
    path = tmp_path / "resnet.json"
    path.write_text(json.dumps(config))
    with pytest.raises(ModelMismatchError, match=r"layers is \[1, 1, 1, 1\] \(a ResNet\)"):
        export(ExportOptions(str(path), "hf", tmp_path / "out"))
    assert [found.name for found in tmp_path.iterdir()] == ["resnet.json"]
    out = export(ExportOptions(str(path), "open_clip", tmp_path / "out"))
    assert named_backbone(str(out)).preprocess.height == 64


def test_an_export_that_would_compute_something_else_is_never_named(
    checkpoint: str, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(_: Path) -> Backbone:
        return named_backbone(str(finished.folder / "model.json"))

    monkeypatch.setattr("streetclip.build.export._READERS", {"hf": another})
    with pytest.raises(ModelError, match="exported weights are not those of the model"):
        export(ExportOptions(checkpoint, "hf", tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
