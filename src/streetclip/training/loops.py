"""Lightning's progress counters, rewritten in a checkpoint so that they say where the run is.

Lightning 2.6.6 saves its counters as they are at the moment of the save, and guesses on resume from
their differences at which hook that was. The guess fails for an epoch's last batch and, with
`max_steps`, for every epoch's end: the resumed run then takes a step too many or skips a hook. A
checkpoint of ours therefore holds counters that depend only on the position (epoch, step), in the
three forms that Lightning restores exactly: inside an epoch, as `on_train_batch_end` would have
saved them; after an epoch's last batch, as if it had been counted and the epoch's end were still to
come; between two epochs, as if the one had been left and the next not been entered.
"""

from typing import Any

_RUNNING = ("ready", "started", "processed")


def set_position(checkpoint: dict[str, Any], epoch: int, step: int, *, steps: int) -> None:
    """Write the position of the next batch into the loop counters of a Lightning checkpoint.

    Args:
        checkpoint: What `Trainer.dump_checkpoint` made; changed in place.
        epoch: Of the next batch.
        step: Of the next batch within its epoch; 0 says that the epoch was not entered, `steps` or
            more that all its batches are taken and its end is still to come.
        steps: Batches of an epoch.
    """
    checkpoint["epoch"] = epoch
    fit = checkpoint["loops"]["fit_loop"]
    entered = step > 0
    epochs = fit["epoch_progress"]
    for counters in epochs.values():
        counters.update(ready=epoch + entered, started=epoch + entered)
        counters.update(processed=epoch, completed=epoch)
    batches = fit["epoch_loop.batch_progress"]
    taken, current = _batches_taken(batches), min(step, steps)
    # Lightning counts one more on a resume inside an epoch, because it saves before it counts.
    uncounted = int(0 < step < steps)
    batches["is_last_batch"] = False
    _set(batches["total"], taken, completed=taken - uncounted)
    _set(batches["current"], current, completed=current - uncounted)
    fit["epoch_loop.state_dict"]["_batches_that_stepped"] = taken - uncounted


def _batches_taken(batches: dict[str, Any]) -> int:
    """Batches that were trained on since the run began; one that was only fetched is not."""
    taken: int = batches["total"]["processed"]
    return taken


def _set(counters: dict[str, int], value: int, *, completed: int) -> None:
    counters.update(dict.fromkeys(_RUNNING, value))
    counters["completed"] = completed
