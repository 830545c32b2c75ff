import multiprocessing
from pathlib import Path

import pytest
import torch.distributed as dist

from streetclip.data.side_channel import SideChannel


def _rank(rank: int, folder: Path) -> None:
    dist.init_process_group("gloo", f"file://{folder}/store", rank=rank, world_size=2)
    channel = SideChannel()
    totals = channel.total(rank, 10)
    gathered = channel.gather(["a", None][rank])
    dist.destroy_process_group()
    assert totals == [1, 20]
    assert gathered == ["a", None]
    # A channel outlives the group that it was used with.
    assert channel.total(rank) == [rank]


@pytest.mark.distributed
def test_all_ranks_hear_the_same(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ranks = [context.Process(target=_rank, args=(rank, tmp_path)) for rank in range(2)]
    for process in ranks:
        process.start()
    for process in ranks:
        process.join(60)
    assert [process.exitcode for process in ranks] == [0, 0]


def test_a_process_alone_hears_itself() -> None:
    channel = SideChannel()
    assert channel.total() == []
    assert channel.total(3, 4) == [3, 4]
    assert channel.gather({"a": 1}) == [{"a": 1}]
