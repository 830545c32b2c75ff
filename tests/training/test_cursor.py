from typing import Any

import lightning.pytorch as pl
import pytest
from tests.training.conftest import FakeTrainer

from streetclip.data.dataset import Cursor
from streetclip.errors import PlanError
from streetclip.training.cursor import CursorCallback, cursor_of


def _trainer(cursor: Any, *, epoch: int = 0) -> FakeTrainer:
    trainer = FakeTrainer(cursor)
    trainer.current_epoch = epoch
    return trainer


def _end(trainer: FakeTrainer, batch: tuple[int, int], batch_idx: int) -> None:
    content = {"epoch": batch[0], "step": batch[1]}
    CursorCallback().on_train_batch_end(trainer, pl.LightningModule(), None, content, batch_idx)


def test_it_counts_through_an_epoch_and_into_the_next() -> None:
    cursor = Cursor()
    for epoch in range(2):
        for step in range(3):
            assert cursor == Cursor(epoch, step)
            _end(_trainer(cursor, epoch=epoch), (epoch, step), step)
    assert cursor == Cursor(2, 0)


@pytest.mark.parametrize(
    ("batch", "cursor", "epoch", "batch_idx"),
    [
        ((0, 2), (0, 1), 0, 1),
        ((0, 1), (0, 2), 0, 1),
        ((0, 1), (0, 1), 0, 2),
        ((0, 1), (0, 1), 1, 1),
        ((1, 1), (0, 1), 1, 1),
    ],
)
def test_any_two_counts_that_disagree_stop_the_run(
    batch: tuple[int, int], cursor: tuple[int, int], epoch: int, batch_idx: int
) -> None:
    with pytest.raises(PlanError, match="has lost its place in the plan; got: batch"):
        _end(_trainer(Cursor(*cursor), epoch=epoch), batch, batch_idx)


def test_a_datamodule_without_a_cursor_is_refused() -> None:
    with pytest.raises(PlanError, match="the datamodule has no cursor; got: SimpleNamespace"):
        cursor_of(_trainer(None))
