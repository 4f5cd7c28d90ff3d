"""Ctrl-C that waits for a moment at which a training can be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Calls of :meth:`Stopping.check` between two at which processes agree: GPUs wait for each other there.
_CALLS = 8


class Stopping:
    """Whether a training is asked to stop.

    Attributes:
        asked: whether it is.
        agree: with several processes, what returns whether any of them is asked, called by all of them together; so
            all stop at the same step, though a signal reaches each at another moment. None for a single process.
    """

    def __init__(self) -> None:
        self.asked = False
        self.agree: Callable[[bool], bool] | None = None
        self._calls, self._signalled = 0, False

    def check(self) -> None:
        """Raise KeyboardInterrupt if it is; several processes must call this equally often."""
        if self.agree is not None:
            self._calls += 1
            if self._calls % _CALLS or not self.agree(self.asked):
                return
            self.asked = True
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
        if self._signalled:  # this process itself: the first one may come when others have asked already
            self.asked = False  # what is interrupted now is not to be saved
            raise KeyboardInterrupt
        self.asked = self._signalled = True
