import pytest
from tests.training.conftest import FakeTrainer

from streetclip.data.dataset import Cursor
from streetclip.training.moments import AtMoments, moment_of


@pytest.mark.parametrize(
    ("epoch", "step", "steps", "name"),
    [
        (0, 0, 0, "epoch=000"),
        (0, 2, 2, "step=000002"),
        (0, 3, 3, "epoch=001"),
        (1, 0, 3, "epoch=001"),
        (1, 1, 4, "step=000004"),
    ],
)
def test_a_moment_is_named_by_whole_epochs_or_by_steps(
    epoch: int, step: int, steps: int, name: str
) -> None:
    trainer = FakeTrainer(Cursor(epoch, step))
    trainer.global_step = steps
    assert moment_of(trainer) == name


def test_a_checkpoint_keeps_the_newest_values_by_copy() -> None:
    first, second = AtMoments(), AtMoments()
    first.load_state_dict({"step": 4, "values": {"a": 1.0}})
    state = first.state_dict()
    second.load_state_dict(state)
    state["values"]["a"] = 2.0
    assert second.state_dict() == {"step": 4, "values": {"a": 1.0}}
