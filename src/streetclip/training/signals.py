"""What asks a run to leave: SIGTERM, SIGUSR1 and Ctrl-C, noted now and obeyed at a safe moment.

Imports nothing heavy, so that a command can listen before it loads torch.
"""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from streetclip.errors import Preempted

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class StopSignals:
    """Listens for the signals that ask a run to leave.

    Before training there is nothing to save, and a signal ends the command by `Preempted` where it
    stands. From `wait` on it is only noted in `received`, and whoever trains leaves at a moment
    where all ranks can. A second Ctrl-C ends the process at once. Once the command leaves with
    `Preempted`, further signals are ignored, because launchers send one to every rank that is left.

    Example:
        >>> with StopSignals() as signals:
        ...     signals.wait()
        ...     signal.raise_signal(signal.SIGUSR1)
        ...     signals.received.name
        'SIGUSR1'
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._waits = False
        self._interrupts = 0
        self._before: dict[signal.Signals, Any] = {}

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
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_IGN if isinstance(error, Preempted) else handler)

    def wait(self) -> None:
        """Only note signals from now on."""
        self._waits = True

    def _note(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if number == signal.SIGINT:
            self._interrupts += 1
            if self._interrupts > 1:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
        self.received = signal.Signals(number)
        if not self._waits:
            raise Preempted(f"stopped by {name} before training began; there was nothing to save")
        again = "; Ctrl-C again ends at once" if number == signal.SIGINT else ""
        # Not by a logger: a handler may run in the middle of any other line.
        os.write(2, f"streetclip: {name}: saving at the end of this step{again}\n".encode())
