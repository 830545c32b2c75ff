"""Checkpoints between two models know what the tuned one knows of its run."""

from pathlib import Path

import pytest
from tests.conftest import Finished

from streetclip.build.export import ExportOptions, export
from streetclip.build.line import Line, alpha_label
from streetclip.build.loaded import trained_on
from streetclip.build.model import named_backbone, new_backbone
from streetclip.build.plan import PlannedModel
from streetclip.config.schema import ModelConfig
from streetclip.errors import ModelError
from streetclip.model.weights import weights_digest


@pytest.fixture(scope="module")
def line(finished: Finished) -> Line:
    tuned = finished.run / "checkpoints" / "best.ckpt"
    return Line(f"open_clip:{finished.folder}/model.json", str(tuned))


def test_labels_read_back(line: Line) -> None:
    for alpha in (0.0, 0.125, 1 / 3, 1.0):
        plain = float(f"{alpha:.6g}")
        assert line.alpha(PlannedModel("x", alpha_label(plain), "")) == plain


def test_what_training_has_shown_is_kept_except_at_the_start(
    line: Line, finished: Finished, tmp_path: Path
) -> None:
    for alpha in (0.0, 0.5):
        line.save(line.planned(alpha), tmp_path / f"{alpha}.ckpt")
    shown = trained_on(str(finished.run / "checkpoints" / "best.ckpt"))
    assert shown is not None
    assert trained_on(str(tmp_path / "0.5.ckpt")) == shown
    assert trained_on(str(tmp_path / "0.0.ckpt")) is None
    assert trained_on(line.planned(0.5).name) == shown


def test_a_kept_model_starts_training_and_is_exported(line: Line, tmp_path: Path) -> None:
    path = tmp_path / "alpha-0.5.ckpt"
    planned = line.planned(0.5)
    line.save(planned, path)
    assert weights_digest(named_backbone(str(path))) == planned.digest
    options = ModelConfig(name=line.start.spec.name, start_from=str(path))
    assert weights_digest(new_backbone(options, seed=1)) == planned.digest
    out = export(ExportOptions(str(path), "open_clip", tmp_path / "out"))
    card = (out / "README.md").read_text()
    assert "between its start weights and the trained ones" in card
    assert weights_digest(named_backbone(f"open_clip:{out}")) == planned.digest


def test_weights_that_were_replaced_meanwhile_are_refused(line: Line) -> None:
    planned = line.planned(0.5)
    with pytest.raises(ModelError, match="were replaced since the command began"):
        line.load(PlannedModel(planned.name, planned.label, "0" * 64))
