"""A thread beside a run that may be asked to leave, for what a signal handler cannot do.

The main thread of a rank may wait for a long time: for photographs of a server that stalls, or for
other ranks. The thread ends a wait for photographs, and tells the other ranks, over the store where
they have met, that this one was asked to leave: they may be in the middle of such a wait too.
"""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

import torch.distributed as dist

from streetclip.training.launch import launch_store
from streetclip.training.signals import StopSignals

_log = logging.getLogger(__name__)

_EVERY_S = 0.5
_ASKED = "streetclip/asked"


class Watch:
    """The thread, from `start` to `stop`.

    Args:
        signals: Of this rank.
        store: Gives the store of all ranks, or None while there is none; by default that of
            torchrun, of srun, or of the process group.
    """

    def __init__(self, signals: StopSignals, *, store: Callable[[], Any] | None = None) -> None:
        self._signals = signals
        self._find_store = store or _store
        self._store: Any = None
        self._is_told = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="streetclip-watch", daemon=True)

    def start(self) -> "Watch":
        """Begin to look twice a second."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End the thread; a message that is on its way may still be delivered."""
        self._ended.set()
        if self._thread is not threading.current_thread():
            self._thread.join(2 * _EVERY_S)

    def _watch(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._signals.break_off()
            if self._is_told:
                continue
            try:
                self._tell()
            except RuntimeError as error:  # also torch's own, of a store whose host has ended
                _log.debug("the ranks' store is gone: %s", error)
                self._is_told = True

    def _tell(self) -> None:
        """Pass this rank's signal on, or take that of another rank, whichever comes first."""
        self._store = self._store or self._find_store()
        received = self._signals.received
        if self._store is None:
            return
        if received is not None:
            self._store.set(_ASKED, received.name)
            self._is_told = True
        elif self._store.check([_ASKED]):
            self._is_told = True
            self._signals.tell(signal.Signals[self._store.get(_ASKED).decode()])


def _store() -> Any:
    if (store := launch_store()) is not None:
        return store
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return None
    return dist.distributed_c10d._get_default_store()  # noqa: SLF001 - it has no other name
