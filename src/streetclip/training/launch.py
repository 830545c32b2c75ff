"""What rank 0 decides before Lightning's Trainer exists, told to all ranks.

Building a shard set and choosing a run's folder happen once, although each rank is a process that
runs the whole command. How ranks learn the answer depends on who started them:

- Lightning starts them itself from rank 0, after the decision: they inherit an environment
  variable.
- torchrun and srun start all at once: the others wait at the store where Lightning's ranks will
  meet later, under a prefix of our own.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch.distributed import PrefixStore, Store  # type: ignore[attr-defined] # torch has no __all__
from torch.distributed.rendezvous import rendezvous

from streetclip.errors import InputError, Preempted, StreetclipError

T = TypeVar("T")

_VARIABLE = "STREETCLIP_DECIDED"
_PREFIX = "streetclip/launch"
_TIMEOUT_S = 24 * 3600.0
_LOOK_S = 0.1
_LEAVE_S = 60.0
"""How long rank 0 waits for the others to read an error before it ends, and its store with it."""

# The store lives as long as the process: Lightning's process group meets at the same port, where
# torch shares one server among all stores of a process.
_STORES: dict[tuple[int, int], Store] = {}
_MEETING = threading.Lock()


@dataclass(frozen=True)
class Ranks:
    """Which of how many processes this one is, before any process group exists.

    Args:
        rank: 0 decides.
        world: Processes that were started at once; 1 if Lightning will start the others.
        environment: Lightning's view of torchrun or srun, or None.
    """

    rank: int
    world: int
    environment: ClusterEnvironment | None = None


def find_ranks() -> Ranks:
    """Read from the environment who started this process.

    Raises:
        InputError: Several machines without torchrun or srun.
    """
    environment: ClusterEnvironment | None = None
    if TorchElasticEnvironment.detect():
        environment = TorchElasticEnvironment()
    elif SLURMEnvironment.detect():
        # Its own requeueing saves in the middle of a step; the job script requeues on exit code 85.
        environment = SLURMEnvironment(auto_requeue=False)
    if environment is not None:
        return Ranks(environment.global_rank(), environment.world_size(), environment)
    if int(os.environ.get("NODE_RANK", "0")) > 0 and "LOCAL_RANK" not in os.environ:
        raise InputError(
            "several machines need a launcher",
            got=f"NODE_RANK={os.environ['NODE_RANK']} without one",
            allowed="torchrun or srun",
        )
    return Ranks(int(os.environ.get("LOCAL_RANK", "0")), 1)


def decide(name: str, work: Callable[[], T], *, timeout_s: float = _TIMEOUT_S) -> T:
    """Do something on rank 0 and give its answer to all ranks.

    Args:
        name: Of the decision; each is taken once a run, in the same order on all ranks.
        work: Called on rank 0 only; answers with what JSON can hold.
        timeout_s: How long the other ranks wait, seconds.

    Returns:
        The answer, the same on all ranks.

    Raises:
        StreetclipError: Of `work`, on all ranks.

    Example:
        >>> decide("folder", lambda: "runs/quickstart/001")
        'runs/quickstart/001'
    """
    ranks = find_ranks()
    if ranks.world > 1:
        store = PrefixStore(f"{_PREFIX}/{name}", _store(ranks, timeout_s))
        return _decide_at(store, ranks, work, timeout_s)
    if ranks.rank > 0:
        inherited: T = _inherited(name)
        return inherited
    answer = work()
    earlier = json.loads(os.environ.get(_VARIABLE, "{}"))
    os.environ[_VARIABLE] = json.dumps({**earlier, name: answer})
    return answer


def leave_after_rank_0() -> None:
    """Let the process go first that Lightning has started this one from.

    Its observer kills it when a rank that it has started ends by any exit code but 0.
    """
    if find_ranks().environment is not None or int(os.environ.get("LOCAL_RANK", "0")) == 0:
        return
    starter, give_up = os.getppid(), time.monotonic() + _LEAVE_S
    while os.getppid() == starter and time.monotonic() < give_up:
        time.sleep(0.05)


def _inherited(name: str) -> Any:
    decided = json.loads(os.environ.get(_VARIABLE, "{}"))
    if name not in decided:
        raise StreetclipError(
            f"this rank was not told about {name!r}: start rank 0 alone, which starts the others, "
            "or start all ranks with torchrun or srun"
        )
    return decided[name]


def _decide_at(store: Store, ranks: Ranks, work: Callable[[], T], timeout_s: float) -> T:
    if ranks.rank > 0:
        give_up = time.monotonic() + timeout_s
        # Not `get`, in which no signal would be noticed, nor any other use of the store served.
        while not store.check(["told"]):
            if time.monotonic() > give_up:
                raise StreetclipError(f"rank 0 has decided nothing in {timeout_s:g} s")
            time.sleep(_LOOK_S)
        told = json.loads(store.get("told"))
        store.add("heard", 1)
        if "error" in told:
            raise _error(told)
        answer: T = told["answer"]
        return answer
    try:
        done = work()
    except BaseException as error:
        code = getattr(error, "exit_code", 1)
        store.set("told", json.dumps({"error": str(error) or repr(error), "exit_code": code}))
        _wait_until_heard(store, ranks.world - 1)
        raise
    store.set("told", json.dumps({"answer": done}))
    return done


def _error(told: dict[str, Any]) -> StreetclipError:
    kinds: dict[int, Callable[[str], StreetclipError]]
    kinds = {kind.exit_code: kind for kind in (InputError, Preempted)}
    return kinds.get(told["exit_code"], StreetclipError)(f"rank 0: {told['error']}")


def _wait_until_heard(store: Store, others: int) -> None:
    """Keep the store open until each rank has read the error, or has had its time."""
    give_up = time.monotonic() + _LEAVE_S
    while store.add("heard", 0) < others and time.monotonic() < give_up:
        time.sleep(_LOOK_S)


def launch_store() -> Store | None:
    """Where the ranks that torchrun or srun has started meet; None where nobody has started them.

    Returns:
        The store under a prefix of our own; any thread may use it for what does not block.
    """
    ranks = find_ranks()
    return PrefixStore(_PREFIX, _store(ranks, _TIMEOUT_S)) if ranks.world > 1 else None


def _store(ranks: Ranks, timeout_s: float) -> Store:
    """The store of all ranks; torchrun's agent or rank 0 hosts it."""
    key = (ranks.rank, ranks.world)
    with _MEETING:
        if key not in _STORES:
            environment = ranks.environment
            assert environment is not None
            if isinstance(environment, TorchElasticEnvironment):
                url = "env://"
            else:
                url = f"tcp://{environment.main_address}:{environment.main_port}"
            limit = timedelta(seconds=timeout_s)
            meeting = rendezvous(url, ranks.rank, ranks.world, timeout=limit)
            _STORES[key] = next(iter(meeting))[0]
        return _STORES[key]
