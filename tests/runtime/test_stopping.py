"""Signals that ask, and signals that interrupt."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from symloss.runtime import STOP_SIGNALS, Stopping, begun


def test_the_first_signal_asks_and_the_second_interrupts() -> None:
    stopping, said = Stopping(), threading.Event()
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with stopping.listening(said.set, STOP_SIGNALS):
        stopping.check()
        signal.raise_signal(signal.SIGTERM)
        assert said.wait(10)
        assert stopping.asked
        with pytest.raises(KeyboardInterrupt):
            stopping.check()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not stopping.asked  # what was interrupted is not to be saved
    assert stopping.number == signal.SIGTERM
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_nothing_is_said_where_nothing_was_heard_and_it_can_listen_again() -> None:
    stopping, said = Stopping(), []
    for _ in range(2):
        with stopping.listening(lambda: said.append(1)):
            pass
    assert not said
    with stopping.listening(lambda: said.append(1)):
        signal.raise_signal(signal.SIGINT)
    assert said == [1]


def test_what_cannot_be_kept_is_interrupted_by_the_first_signal() -> None:
    stopping, said = Stopping(), []
    with stopping.listening(lambda: said.append(1)):
        with pytest.raises(KeyboardInterrupt), stopping.nothing_to_keep():
            signal.raise_signal(signal.SIGINT)
        assert not stopping.asked
    assert stopping.number == signal.SIGINT
    assert not said  # nothing is finished first
    asked = Stopping()
    with asked.listening():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), asked.nothing_to_keep():
            raise AssertionError("it begins nothing")


def test_another_thread_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    found = []

    def work() -> None:
        with Stopping().listening():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


#: Three parts of two jobs each.
GROUPS = ["a", "a", "b", "b", "c", "c"]


def results(order: list[int], stopping: Stopping, asked_before: int, closed: list[bool]) -> Iterator[tuple[int, int]]:
    try:
        for number, place in enumerate(order):
            if number == asked_before:
                stopping.asked = True
            yield place, place
    finally:
        closed.append(True)


@pytest.mark.parametrize(
    ("order", "asked_before", "passed"),
    [
        ([0, 1, 2, 3, 4, 5], 1, [0, 1, 2, 3]),  # jobs 1 and 2 were running, of parts a and b
        ([1, 0, 3, 2, 5, 4], 1, [1, 0, 3, 2]),
        ([0, 2, 1, 4, 3, 5], 2, [0, 2, 1, 4, 3]),  # that of c was done on the way
        ([0, 1, 2, 3, 4, 5], 4, [0, 1, 2, 3, 4, 5]),
        ([0, 1, 2, 3, 4, 5], 99, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_parts_in_hand_are_finished(order: list[int], asked_before: int, passed: list[int]) -> None:
    stopping, found, closed = Stopping(), [], []
    try:
        for place, _ in begun(results(order, stopping, asked_before, closed), stopping, GROUPS, 2):
            found.append(place)
        assert asked_before == 99
    except KeyboardInterrupt:
        assert asked_before != 99
    assert found == passed
    assert closed == [True]


def test_nothing_is_begun_when_it_was_asked_before() -> None:
    stopping = Stopping()
    stopping.asked = True
    with pytest.raises(KeyboardInterrupt):
        next(begun(iter([(0, 0)]), stopping, ["a"], 1))
