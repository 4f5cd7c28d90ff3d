from __future__ import annotations

import multiprocessing
import signal
import time
from dataclasses import replace

import pytest
import torch

from symloss.losses import find
from symloss.runtime import Stopping
from symloss.training import Recipe, fit, trainer
from symloss.training.checkpoint import Checkpoints
from symloss.training.result import Result


def weights(folder, name="last.pt"):
    return torch.load(folder / name, weights_only=True)["network"]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def timeless(result):
    history = tuple(replace(epoch, seconds=0.0) for epoch in result.history)
    return replace(result, history=history, seconds=0.0, images_per_second=0.0, peak_memory=0)


@pytest.fixture(scope="module")
def recipe():
    return Recipe(
        "digits", "cnn", 16, 4, 32, augment="crop-flip", optimizer="adam", lr=0.01, label_noise=0.2, images=300
    )


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    """The folder and the result of a training that nothing stopped."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, fit(recipe, find("ce"), 3, folder, device="cpu")


@pytest.fixture
def one_thread():
    """A fork has no threads but its own, and the number of threads decides how sums round."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(recipe, loss, folder, steps):
    """Train with a checkpoint after every step: one is likely to be in hand when the process dies."""
    torch.set_num_threads(1)
    fit(recipe, loss, 3, folder, device="cpu", minutes=0, trace=lambda step, _: steps.put(step))


# Python 3.12 warns of forks beside threads, which torch has.
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_killed_training_ends_like_one_that_was_not(recipe, ce, tmp_path, one_thread):
    whole = fit(recipe, ce, 3, tmp_path / "whole", device="cpu")
    # A fork, as importing torch and Lightning afresh takes longer than all other tests together.
    context = multiprocessing.get_context("fork")
    steps = context.SimpleQueue()
    process = context.Process(target=train, args=(recipe, ce, tmp_path / "killed", steps))
    process.start()
    while steps.get() < 15:
        pass
    time.sleep(0.002)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "result.json").exists()
    steps = []
    again = fit(recipe, ce, 3, tmp_path / "killed", device="cpu", trace=lambda step, loss: steps.append(step))
    assert 10 < steps[0] < 39
    assert timeless(again) == timeless(whole)
    for name in ("last.pt", "best.pt"):
        assert same(weights(tmp_path / "killed", name), weights(tmp_path / "whole", name))
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["best.pt", "last.pt", "result.json"]


class Killed(Exception):
    pass


@pytest.mark.parametrize("moment", ["save_best", "save", "tidy", "finish", "result"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_every_moment_of_saving_can_be_the_last(moment, when, recipe, whole, ce, tmp_path, monkeypatch):
    owner, name = (Result, "save") if moment == "result" else (Checkpoints, moment)
    true, calls = getattr(owner, name), []

    def dying(self, *arguments):
        calls.append(moment)
        last = len(calls) == (1 if moment in ("finish", "result") else 2)
        if last and when == "before":
            raise Killed
        true(self, *arguments)
        if last:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Killed):
            fit(recipe, ce, 3, tmp_path / "killed", device="cpu")
    (tmp_path / "killed" / ".last.pt.half").write_bytes(b"half")
    again = fit(recipe, ce, 3, tmp_path / "killed", device="cpu")
    assert timeless(again) == timeless(whole[1])
    assert same(weights(tmp_path / "killed", "best.pt"), weights(whole[0], "best.pt"))
    if moment not in ("finish", "result") or when == "before":
        assert not (tmp_path / "killed" / ".last.pt.half").exists()


@pytest.mark.parametrize("moment", ["step", "validation"])
def test_ctrl_c_saves_and_goes_on(moment, recipe, whole, ce, tmp_path, monkeypatch):
    seen, asking = [], []

    def asked(step, loss):
        seen.append(step)
        if moment == "step" and step == 13:
            signal.raise_signal(signal.SIGINT)

    true = trainer.Evaluator.__call__

    def evaluating(self, *arguments):
        if moment == "validation" and len(seen) == 20 and not asking:
            asking.append(True)
            signal.raise_signal(signal.SIGINT)
        return true(self, *arguments)

    monkeypatch.setattr(trainer.Evaluator, "__call__", evaluating)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, ce, 3, tmp_path / "stopped", device="cpu", trace=asked)
    assert signal.getsignal(signal.SIGINT) is before
    assert seen == list(range(14 if moment == "step" else 20))
    again = fit(recipe, ce, 3, tmp_path / "stopped", device="cpu", trace=lambda step, loss: seen.append(step))
    assert seen == list(range(40))
    assert timeless(again) == timeless(whole[1])
    assert same(weights(tmp_path / "stopped"), weights(whole[0]))


def test_whoever_trains_many_can_ask_one_to_stop(recipe, whole, ce, tmp_path):
    stopping, seen, handlers = Stopping(), [], []
    before = signal.getsignal(signal.SIGINT)

    def asking(step, loss):
        seen.append(step)
        handlers.append(signal.getsignal(signal.SIGINT))
        stopping.asked = step == 13

    with pytest.raises(KeyboardInterrupt):
        fit(recipe, ce, 3, tmp_path / "stopped", device="cpu", trace=asking, stopping=stopping)
    assert seen == list(range(14))
    assert set(handlers) == {before}  # signals are the caller's
    again = fit(recipe, ce, 3, tmp_path / "stopped", device="cpu", trace=lambda step, loss: seen.append(step))
    assert seen == list(range(40))
    assert timeless(again) == timeless(whole[1])


@pytest.mark.parametrize("steps", [6, 60])
def test_ctrl_c_while_a_network_that_exploded_is_validated(steps, ce, tmp_path, monkeypatch):
    recipe = Recipe("digits", "mlp", 8, 3, 2, lr=1e30, schedule="constant", images=160, steps=steps)
    whole = fit(recipe, ce, 0, tmp_path / "whole", device="cpu")
    true = trainer.Evaluator.__call__

    def evaluating(self, *arguments):
        signal.raise_signal(signal.SIGINT)
        return true(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Evaluator, "__call__", evaluating)
        with pytest.raises(KeyboardInterrupt):
            fit(recipe, ce, 0, tmp_path / "stopped", device="cpu")
    seen = []
    again = fit(recipe, ce, 0, tmp_path / "stopped", device="cpu", trace=lambda step, loss: seen.append(step))
    assert again.diverged
    assert seen == []
    # As text, in which what is not a number equals itself.
    assert timeless(again).to_json() == timeless(whole).to_json()


def test_a_second_ctrl_c_does_not_wait():
    stopping = Stopping()
    with stopping.listening():
        signal.raise_signal(signal.SIGINT)
        assert stopping.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert not stopping.asked


def test_processes_stop_together_when_one_is_asked():
    asked, stopping = [False, True, False], Stopping()
    stopping.agree = lambda mine: mine or asked.pop(0)
    with stopping.listening():
        for _ in range(15):
            stopping.check()
        with pytest.raises(KeyboardInterrupt):
            stopping.check()
        assert stopping.asked
        signal.raise_signal(signal.SIGINT)  # the first that this process has itself, while it is saving
        assert stopping.asked
