"""Which signals a run obeys, and how: in forked children, because a signal belongs to a process."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from streetclip.errors import Preempted
from streetclip.training.signals import SIGNALS, StopSignals


def _exit_code(work: Callable[[], int]) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=lambda: os._exit(work()))
    child.start()
    child.join(30)
    return child.exitcode


def _wait_after(number: signal.Signals) -> None:
    signal.raise_signal(number)
    time.sleep(30)


@pytest.mark.parametrize("number", SIGNALS)
def test_before_training_a_signal_ends_the_command_where_it_stands(number: signal.Signals) -> None:
    def work() -> int:
        before = f"stopped by {number.name} before training began"
        with pytest.raises(Preempted, match=before) as left, StopSignals():
            _wait_after(number)
        return left.value.exit_code

    assert _exit_code(work) == 85


@pytest.mark.parametrize("number", SIGNALS)
def test_while_training_a_signal_is_only_noted(number: signal.Signals) -> None:
    def work() -> int:
        with StopSignals() as signals:
            signals.wait()
            signal.raise_signal(number)
            return 7 if signals.received == number else 1

    assert _exit_code(work) == 7


def test_a_second_interrupt_ends_the_process_at_once() -> None:
    def work() -> int:
        with StopSignals() as signals:
            signals.wait()
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            return 1

    assert _exit_code(work) == -signal.SIGINT


def test_a_process_that_leaves_is_not_ended_by_the_signals_that_come_after() -> None:
    def work() -> int:
        try:
            with StopSignals():
                raise Preempted("saved")
        except Preempted:
            for number in SIGNALS:
                signal.raise_signal(number)
            return 85

    assert _exit_code(work) == 85


def test_the_rules_of_the_program_come_back_afterwards() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with StopSignals(), pytest.raises(Preempted, match="SIGUSR1"):
        signal.raise_signal(signal.SIGUSR1)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_in_another_thread_the_rules_of_the_program_stay() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    inside: list[object] = []

    def work() -> None:
        with StopSignals():
            inside.extend(signal.getsignal(number) for number in SIGNALS)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == before
