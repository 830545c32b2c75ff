import multiprocessing
import os
import signal
import subprocess

import pytest
import torch
from torch.utils.data import Dataset

from streetclip.data.batch import Batch
from streetclip.data.dataset import Cursor, StepSampler
from streetclip.data.loader import clear_about_workers, make_loader, safe_start_method
from streetclip.errors import LoaderError, ShardError


class Steps(Dataset[Batch]):
    """Batches that say only which step they are."""

    def __getitem__(self, epoch_and_step: tuple[int, int]) -> Batch:
        epoch, step = epoch_and_step
        return Batch(
            image=torch.zeros(1, 3, 2, 2, dtype=torch.uint8),
            tokens=torch.zeros(1, 2, dtype=torch.int64),
            caption_id=torch.tensor([torch.get_num_threads()]),
            keys=[f"{epoch}/{step}"],
            captions=[""],
            epoch=epoch,
            step=step,
        )


@pytest.mark.parametrize(("workers", "method"), [(0, None), (1, "fork"), (2, "fork")])
def test_batches_arrive_whole_in_the_order_of_the_sampler(workers: int, method: str | None) -> None:
    loader = make_loader(
        Steps(), StepSampler(4, cursor=Cursor(2, 1)), workers=workers, start_method=method
    )
    assert len(loader) == 4
    batches = list(loader)
    assert [batch["keys"] for batch in batches] == [["2/1"], ["2/2"], ["2/3"]]
    assert batches[0]["image"].dtype == torch.uint8
    if workers:
        assert batches[0]["caption_id"].item() == 1


def test_workers_outlive_what_is_sent_to_a_whole_group_and_end_with_their_loader() -> None:
    loader = make_loader(Steps(), StepSampler(9), workers=2, start_method="fork")
    batches = iter(loader)
    next(batches)
    workers = multiprocessing.active_children()
    sender = subprocess.run(
        ["/bin/sh", "-c", "kill -INT $0 $1; kill -USR1 $0 $1; kill -TERM $0 $1"]
        + [str(worker.pid) for worker in workers]
    )
    assert sender.returncode == 0
    assert len(list(batches)) == 8
    assert all(worker.is_alive() for worker in workers)
    for worker in workers:
        worker.terminate()
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0]


class Refuses(Dataset[Batch]):
    """A data set whose shards are damaged, or whose process dies."""

    def __init__(self, *, dies: bool) -> None:
        self.dies = dies

    def __getitem__(self, epoch_and_step: tuple[int, int]) -> Batch:
        if self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ShardError("0.tar is damaged", got="0 bytes", remedy="fetch it again")


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_ours_comes_out_of_a_worker_as_it_was(workers: int) -> None:
    loader = make_loader(Refuses(dies=False), StepSampler(2), workers=workers, start_method="fork")
    with pytest.raises(ShardError, match=r"^0\.tar is damaged; got: 0 bytes; fetch it again$"):
        next(iter(loader))


def test_a_worker_that_is_killed_is_named_with_what_to_do() -> None:
    loader = make_loader(Refuses(dies=True), StepSampler(2), workers=1, start_method="fork")
    with (
        pytest.raises(
            LoaderError, match=r"DataLoader worker \(pid.*lower data\.workers, and resume"
        ),
        clear_about_workers(),
    ):
        list(loader)
    with pytest.raises(RuntimeError, match="another"), clear_about_workers():
        raise RuntimeError("another")


def test_persistent_workers_take_the_next_epoch() -> None:
    sampler = StepSampler(2)
    loader = make_loader(Steps(), sampler, workers=1, start_method="fork")
    assert loader.persistent_workers
    seen = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        seen += [batch["keys"][0] for batch in loader]
    assert seen == ["0/0", "0/1", "1/0", "1/1", "2/0", "2/1"]


def test_the_loader_has_nothing_of_its_own_to_restore() -> None:
    loader = make_loader(Steps(), StepSampler(2), workers=0, start_method=None)
    assert loader.state_dict() == {}
    loader.load_state_dict({})


def test_workers_are_forked_unless_a_network_or_a_gpu_is_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert safe_start_method() == safe_start_method(["/data/0.tar"]) == "fork"
    assert safe_start_method(["/data/0.tar", "https://example.org/0.tar"]) == "forkserver"
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    assert safe_start_method() == "forkserver"
    monkeypatch.setattr("sys.platform", "darwin")
    assert safe_start_method() is None
