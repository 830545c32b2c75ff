"""What asks a run to leave: SIGTERM, SIGUSR1 and Ctrl-C, noted now and obeyed at a safe moment.

Imports nothing heavy, so that a command can listen before it loads torch.
"""

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

from streetclip.data.waiting import wait
from streetclip.errors import Preempted

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
PATIENCE_S = 5.0
"""How long a run that was asked to leave waits for photographs."""


class StopSignals:
    """Listens for the signals that ask a run to leave.

    Before training there is nothing to save, and a signal ends the command by `Preempted` where it
    stands. From `wait` on it is only noted in `received`, and whoever trains leaves at a moment
    where all ranks can. If it waits for photographs that do not come, the wait is broken off. A
    second Ctrl-C ends the process at once. Once the command leaves with `Preempted`, further
    signals are ignored, because launchers send one to every rank that is left.

    Example:
        >>> with StopSignals() as signals:
        ...     signals.wait()
        ...     signal.raise_signal(signal.SIGUSR1)
        ...     signals.received.name
        'SIGUSR1'
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self.broken_off: str | None = None  # what the wait was for
        self._waits = False
        self._asked_at_s = 0.0
        self._interrupts = 0
        self._is_late = False
        self._told: signal.Signals | None = None
        self._main = threading.main_thread().ident
        self._before: dict[signal.Signals, Any] = {}
        self._watch: Any = None

    def __enter__(self) -> "StopSignals":
        # Python delivers signals to the main thread only; elsewhere the program's own rules stay.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.getsignal(number) for number in SIGNALS}
            for number in SIGNALS:
                signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watch is not None:
            self._watch.stop()
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if isinstance(error, Preempted) else handler)

    def watch(self) -> None:
        """Break off waits that last too long, and pass signals on to the other ranks."""
        if self._watch is None:
            from streetclip.training.watch import Watch  # heavy, and loaded by now

            self._watch = Watch(self).start()

    def wait(self) -> None:
        """Only note signals from now on."""
        self._waits = True
        self.watch()

    def tell(self, number: signal.Signals) -> None:
        """Note a signal that another rank got; from any thread.

        Args:
            number: The signal.
        """
        self._told = number
        self._nudge()

    def break_off(self) -> None:
        """End a wait for photographs that lasts too long, if the run was asked to leave.

        Raises:
            Preempted: In the main thread, once it has waited for `PATIENCE_S`; from any thread.
        """
        present = wait()
        if self.received is None or not self._waits or present is None:
            return
        now = time.monotonic()
        if now - max(present.since_s, self._asked_at_s) >= PATIENCE_S:
            self._is_late, self._asked_at_s = True, now
            self._nudge()

    def _nudge(self) -> None:
        """Have the main thread run the handler, whatever it waits for."""
        if self._main is not None and signal.SIGUSR1 in self._before:
            signal.pthread_kill(self._main, signal.SIGUSR1)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._is_late:
            self._is_late = False
            self._leave_the_wait()
            return
        told, self._told = self._told, None
        if told is not None:
            number = told
        elif number == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts > 1:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
        name = signal.Signals(number).name
        if self.received is None:
            self._asked_at_s = time.monotonic()
        self.received = signal.Signals(number)
        if not self._waits:
            raise Preempted(f"stopped by {name} before training began; there was nothing to save")
        again = "; Ctrl-C again ends at once" if number == signal.SIGINT else ""
        # Not by a logger: a handler may run in the middle of any other line.
        os.write(2, f"streetclip: {name}: saving at the end of this step{again}\n".encode())

    def _leave_the_wait(self) -> None:
        assert self.received is not None
        if (present := wait()) is not None:
            self.broken_off = present.what
            raise Preempted(f"{self.received.name} came while photographs did not")
