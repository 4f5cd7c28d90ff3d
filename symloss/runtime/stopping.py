"""Ctrl-C and SIGTERM that wait for a moment at which the work can be saved."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import TypeVar

R = TypeVar("R")

#: What asks a whole search or benchmark to stop; SIGTERM is what a job scheduler sends before it kills.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: Calls of :meth:`Stopping.check` between two at which processes agree: GPUs wait for each other there.
_CALLS = 8


class Stopping:
    """Whether some work is asked to stop.

    The first signal asks: whoever works calls :meth:`check` where all that is done is saved. A second one interrupts
    at once, wherever that is.

    Example:
        >>> stopping = Stopping()
        >>> with stopping.listening(lambda: print("finishing what is in hand")):
        ...     symloss.evolve("default", stopping=stopping)

    Attributes:
        asked: whether it is asked, and nothing was interrupted yet.
        number: the first signal that was heard, or None.
        agree: with several processes, what returns whether any of them is asked, called by all of them together; so
            all stop at the same step, though a signal reaches each at another moment. None for a single process.
    """

    def __init__(self) -> None:
        self.asked = False
        self.number: int | None = None
        self.agree: Callable[[bool], bool] | None = None
        self._calls = 0
        self._nothing_to_keep = 0
        self._heard_first: SimpleQueue[bool] = SimpleQueue()  # one for each time that it listens

    def check(self) -> None:
        """Raise KeyboardInterrupt if it is asked; several processes must call this equally often."""
        if self.agree is not None:
            self._calls += 1
            if self._calls % _CALLS or not self.agree(self.asked):
                return
            self.asked = True
        if self.asked:
            raise KeyboardInterrupt

    @contextmanager
    def nothing_to_keep(self) -> Iterator[None]:
        """Say that what follows is lost anyway unless it ends, so that the first signal interrupts it at once."""
        self._nothing_to_keep += 1
        try:
            self.check()
            yield
        finally:
            self._nothing_to_keep -= 1

    @contextmanager
    def listening(
        self, say: Callable[[], None] | None = None, signals: Sequence[signal.Signals] = (signal.SIGINT,)
    ) -> Iterator[None]:
        """Take the first of some signals as the wish to stop; a second one interrupts at once.

        Only the main thread can; in others signals stay what they are.

        Args:
            say: called once, from a thread of its own, as soon as the first one is heard and something is finished.
            signals: which.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._heard_first = SimpleQueue()
        teller = threading.Thread(target=self._tell, args=(say,), name="symloss-stopping", daemon=True)
        teller.start()
        before = {number: signal.getsignal(number) for number in signals}
        for number in signals:
            signal.signal(number, self._heard)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._heard_first.put(False)
            teller.join()

    def _tell(self, say: Callable[[], None] | None) -> None:
        # A handler runs between any two lines of the main thread, perhaps in the middle of printing: what it has to
        # say waits here for the locks that the main thread holds. This queue alone may be written to from a handler.
        if self._heard_first.get() and say is not None:
            say()

    def _heard(self, number: int, frame: FrameType | None) -> None:
        del frame
        first = self.number is None
        self.number = number if first else self.number
        if first and not self._nothing_to_keep:
            self.asked = True
            self._heard_first.put(True)
            return
        self.asked = False  # what is interrupted now is not to be saved
        raise KeyboardInterrupt


def begun(
    results: Iterator[tuple[int, R]], stopping: Stopping, groups: Sequence[Hashable], workers: int
) -> Iterator[tuple[int, R]]:
    """Pass on the results of jobs; when it is asked to stop, only until all groups that were begun are whole.

    Args:
        results: ``(place, result)`` of each job, as they finish; jobs are handed out in their order.
        stopping: what asks.
        groups: of each job, what it is a part of. A group is worth keeping when all of its jobs are done.
        workers: how many jobs run at the same time.

    Raises:
        KeyboardInterrupt: these groups are whole; the results of others are given up.
    """
    stopping.check()
    left, returned = Counter(groups), 0
    in_hand: set[Hashable] | None = None
    try:
        for place, result in results:
            if stopping.asked and in_hand is None:
                in_hand = set(groups[: returned + workers])
            returned += 1
            left[groups[place]] -= 1
            yield place, result
            if in_hand is not None and not any(left[group] for group in in_hand):
                stopping.check()
    finally:  # now, and not when the exception's traceback is forgotten
        if isinstance(results, Generator):
            results.close()
