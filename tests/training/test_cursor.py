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
    callback, module = CursorCallback(), pl.LightningModule()
    callback.on_train_batch_end(trainer, module, None, content, batch_idx)


def _end_epoch(trainer: FakeTrainer) -> None:
    CursorCallback().on_train_epoch_end(trainer, pl.LightningModule())


def test_it_counts_through_an_epoch_and_into_the_next() -> None:
    cursor = Cursor()
    for epoch in range(2):
        for step in range(3):
            assert cursor == Cursor(epoch, step)
            _end(_trainer(cursor, epoch=epoch), (epoch, step), step)
        assert cursor == Cursor(epoch, 3)
        _end_epoch(_trainer(cursor, epoch=epoch))
    assert cursor == Cursor(2, 0)


def test_a_limit_on_steps_leaves_the_cursor_inside_its_epoch() -> None:
    cursor = Cursor(1, 2)
    _end_epoch(_trainer(cursor, epoch=1))
    assert cursor == Cursor(1, 2)


def test_what_a_limit_on_batches_leaves_out_is_not_due() -> None:
    cursor = Cursor(0, 1)
    trainer = _trainer(cursor)
    trainer.num_training_batches = 2
    _end(trainer, (0, 1), 1)
    assert cursor == Cursor(0, 3)
    _end_epoch(trainer)
    assert cursor == Cursor(1, 0)


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
