"""Numbers come to the host as they are, and a step of training asks the device for none."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers.logger import DummyLogger
from tests.model.fitting import fit
from torch.utils._python_dispatch import TorchDispatchMode

from streetclip.model.backbone import Backbone
from streetclip.model.host import OnHost, to_log
from streetclip.model.module import StreetclipModule
from streetclip.training.ema import Ema

MakeBatch = Callable[..., dict[str, Any]]

ASKING = {
    # A number of a kernel becomes one of Python: .item(), bool(), float(), int(), a tensor index.
    torch.ops.aten._local_scalar_dense.default,
    # The size of what comes out is known to the device alone.
    torch.ops.aten.nonzero.default,
    torch.ops.aten._unique2.default,
    torch.ops.aten.unique_dim.default,
    torch.ops.aten.masked_select.default,
}


class Asked(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations for whose answer the host would wait."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in ASKING:
            self.operations.append(str(func))
        return func(*args, **(kwargs or {}))


class Watched(StreetclipModule):
    """Counts in each step, with what its callbacks and the loggers do between two of them."""

    def training_step(self, batch: Any, batch_idx: int) -> None:
        with counted(self):
            super().training_step(batch, batch_idx)


counts: list[list[str]] = []


@contextmanager
def counted(module: StreetclipModule) -> Iterator[None]:
    with Asked() as asked:
        yield
    counts.append(asked.operations)


class BatchEnds(Callback):
    """The same for what Lightning does with logged values when a batch has ended."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
        with counted(pl_module):
            trainer._logger_connector.on_batch_end()


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    counts.clear()


def test_the_counter_sees_a_question() -> None:
    with Asked() as asked:
        assert bool(torch.tensor(1.0).isfinite())
        torch.unique(torch.tensor([1, 1]))
    assert asked.operations == ["aten._local_scalar_dense.default", "aten._unique2.default"]


@pytest.mark.parametrize("options", [{}, {"micro_batch_size": 2}], ids=["whole", "cached"])
@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_step_asks_the_device_for_nothing(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, options: Any, precision: str
) -> None:
    batches = [make_batch(seed) for seed in range(3)]
    module = Watched(tiny, lr=1e-3, **options)
    logging: dict[str, Any] = {"logger": DummyLogger(), "log_every_n_steps": 3}
    fit(tmp_path, module, batches, BatchEnds(), precision=precision, **logging)
    # The second value of each pair is of Lightning, after the step.
    assert counts == [[]] * 6


def test_a_skipped_step_asks_for_nothing_either(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = {**make_batch(1), "image": torch.full((4, 3, 32, 32), math.nan)}
    record = fit(tmp_path, Watched(tiny, lr=1e-3), [make_batch(0), bad, make_batch(2)])
    assert counts == [[]] * 3
    assert all(torch.equal(record.states[0][n], record.states[1][n]) for n in record.states[0])
    assert [text for text in caplog.messages if "step skipped" in text and "step 1," in text]


def test_averaging_weights_asks_for_nothing(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    class Counting(Ema):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *rest: Any) -> None:
            with counted(pl_module):
                super().on_train_batch_end(trainer, pl_module, *rest)

    fit(tmp_path, StreetclipModule(tiny), [make_batch(0), make_batch(1)], Counting(0.5))
    assert len(counts) == 2
    assert counts[1] == []


def test_the_step_after_two_skipped_ones_is_asked_for_at_once(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    bad = {**make_batch(1), "image": torch.full((4, 3, 32, 32), math.nan)}
    module = StreetclipModule(tiny, lr=1e-3)
    seen: list[int] = []

    class Look(Callback):
        def on_train_batch_end(self, trainer: Trainer, pl_module: Any, *_: Any) -> None:
            seen.append(pl_module._guard.skipped.in_a_row)

    fit(tmp_path, module, [bad, bad, make_batch(0), bad], Look())
    # A step behind, but for the third, of which the run's end could depend.
    assert seen == [0, 1, 0, 0]
    assert module._guard.skipped.in_a_row == 1


@pytest.mark.parametrize("now", [True, False])
def test_logged_values_keep_their_names_order_and_bits(now: bool) -> None:
    values: dict[str, Any] = {
        "a": torch.tensor([0.1]),
        "b": 0.3,
        "c": torch.tensor(2.5, dtype=torch.bfloat16),
    }
    found = to_log(values, now=now)
    assert list(found) == ["a", "b", "c"]
    assert [float(value) for value in found.values()] == [
        float(torch.tensor(0.1)),
        float(torch.tensor(0.3)),
        2.5,
    ]


def test_values_in_fp64_stay_in_fp64() -> None:
    third = torch.tensor(1 / 3, dtype=torch.float64)
    assert to_log({"a": third, "b": torch.tensor(1.0)}, now=True)["a"].item() == 1 / 3


def test_a_copy_does_not_follow_its_source() -> None:
    source = torch.tensor([1.0, math.nan])
    copied = OnHost(source)
    source.zero_()
    one, nan = copied.read()
    assert one == 1.0
    assert math.isnan(nan)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_step_on_a_cuda_device_waits_for_nothing(
    tmp_path: Path, tiny: Backbone, make_batch: MakeBatch
) -> None:
    class Refusing(StreetclipModule):
        steps = 0

        def training_step(self, batch: Any, batch_idx: int) -> None:
            self.steps += 1
            # The first step makes state and chooses kernels, which may wait.
            torch.cuda.set_sync_debug_mode("error" if self.steps > 1 else "default")
            try:
                super().training_step(batch, batch_idx)
            finally:
                torch.cuda.set_sync_debug_mode("default")

    module = Refusing(tiny, lr=1e-3, micro_batch_size=2)
    batches = [make_batch(seed) for seed in range(4)]
    options: dict[str, Any] = {"accelerator": "gpu", "precision": "bf16-mixed"}
    fit(tmp_path, module, batches, log_every_n_steps=10, **options)
    assert module.steps == 4
