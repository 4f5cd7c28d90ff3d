"""Ctrl-C that waits for a moment at which a training can be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopping:
    """Whether a training is asked to stop.

    Attributes:
        asked: whether it is.
    """

    def __init__(self) -> None:
        self.asked = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if it is."""
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the first Ctrl-C as the wish to stop; a second one interrupts at once.

        Only the main thread can; in others Ctrl-C stays what it is.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, self._heard)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _heard(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self.asked:
            self.asked = False  # what is interrupted now is not to be saved
            raise KeyboardInterrupt
        self.asked = True
