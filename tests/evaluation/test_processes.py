"""One process, or a process group, behind the same small surface."""

from pathlib import Path

import pytest
import torch.distributed as dist

from streetclip.evaluation.processes import Alone, Group, current_processes


def test_without_a_group_a_process_is_alone() -> None:
    processes = current_processes()
    assert isinstance(processes, Alone)
    assert processes.gather({"a": 1}) == [{"a": 1}]


@pytest.mark.distributed
def test_an_initialized_group_is_used(tmp_path: Path) -> None:
    meeting = f"file://{tmp_path / 'store'}"
    dist.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    try:
        processes = current_processes()
        assert isinstance(processes, Group)
        assert (processes.rank, processes.world) == (0, 1)
        assert processes.gather([3]) == [[3]]
    finally:
        dist.destroy_process_group()
