"""Signals that end a training: its state is saved first."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class InterruptedTraining(RuntimeError):
    """Report that a signal ended the run after its state was saved."""


@contextmanager
def noted_signals(received: list[str] | None) -> Iterator[None]:
    """Append SIGTERM and SIGUSR1 to `received`, by name, instead of exiting; only the main thread can set handlers."""
    if received is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda number, frame: received.append(signal.Signals(number).name))
        for number in (signal.SIGTERM, signal.SIGUSR1)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
