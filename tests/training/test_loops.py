from typing import Any

import pytest

from streetclip.training.loops import set_position

FULL = ("ready", "started", "processed", "completed")


def _checkpoint(batches: int) -> dict[str, Any]:
    """Counters as they are while batch number `batches` (from 0) is fetched but not trained on."""
    total = dict(zip(FULL, (batches + 1, batches, batches, batches), strict=True))
    return {
        "epoch": 9,
        "loops": {
            "fit_loop": {
                "epoch_progress": {"total": dict.fromkeys(FULL, 9), "current": {}},
                "epoch_loop.batch_progress": {
                    "total": total,
                    "current": {},
                    "is_last_batch": True,
                },
                "epoch_loop.state_dict": {"_batches_that_stepped": 99},
            }
        },
    }


@pytest.mark.parametrize(
    ("epoch", "step", "epochs", "batches", "total", "stepped"),
    [
        # Inside an epoch, as Lightning saves in on_train_batch_end: not completed, not yet counted.
        (1, 2, (2, 2, 1, 1), (2, 2, 2, 1), (6, 6, 6, 5), 5),
        # After an epoch's last batch: all counted, the epoch not yet.
        (1, 4, (2, 2, 1, 1), (4, 4, 4, 4), (6, 6, 6, 6), 6),
        # Where a limit ends the epoch early, the position may lie further on.
        (1, 9, (2, 2, 1, 1), (4, 4, 4, 4), (6, 6, 6, 6), 6),
        # Between epochs: one is left, the next not entered.
        (2, 0, (2, 2, 2, 2), (0, 0, 0, 0), (6, 6, 6, 6), 6),
    ],
)
def test_counters_follow_from_the_position(
    epoch: int, step: int, epochs: Any, batches: Any, total: Any, stepped: int
) -> None:
    checkpoint = _checkpoint(6)
    set_position(checkpoint, epoch, step, steps=4)
    fit = checkpoint["loops"]["fit_loop"]
    progress = fit["epoch_loop.batch_progress"]
    assert checkpoint["epoch"] == epoch
    assert fit["epoch_progress"]["total"] == dict(zip(FULL, epochs, strict=True))
    assert fit["epoch_progress"]["current"] == dict(zip(FULL, epochs, strict=True))
    assert progress["current"] == dict(zip(FULL, batches, strict=True))
    assert progress["total"] == dict(zip(FULL, total, strict=True))
    assert progress["is_last_batch"] is False
    assert fit["epoch_loop.state_dict"]["_batches_that_stepped"] == stepped
