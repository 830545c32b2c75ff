import json
from pathlib import Path

import lightning.pytorch as pl
from tests.training.conftest import FakeTrainer

from streetclip.data.dataset import Cursor
from streetclip.training.samples import SampleLog


def test_a_line_holds_place_keys_and_captions_as_they_are(tmp_path: Path) -> None:
    log = SampleLog(tmp_path)
    batch = {"epoch": 1, "step": 2, "keys": ["a", "b"], "captions": ["Zürich", "東京"]}
    log.on_train_batch_end(FakeTrainer(Cursor()), pl.LightningModule(), None, batch, 2)
    text = (tmp_path / "samples.jsonl").read_text(encoding="utf-8")
    assert json.loads(text) == batch
    assert "東京" in text
    assert log.lines.rows == 1


def test_other_ranks_write_nothing(tmp_path: Path) -> None:
    trainer = FakeTrainer(Cursor())
    trainer.is_global_zero = False
    batch = {"epoch": 0, "step": 0, "keys": ["a"], "captions": ["x"]}
    SampleLog(tmp_path).on_train_batch_end(trainer, pl.LightningModule(), None, batch, 0)
    assert list(tmp_path.iterdir()) == []
