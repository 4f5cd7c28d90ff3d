"""One training from its first step, or from where it was interrupted, to its result."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from symloss.formula import Formula, to_text
from symloss.losses import CatalogueLoss, title
from symloss.runtime import Stopping
from symloss.training.augment import augmented
from symloss.training.checkpoint import Checkpoints
from symloss.training.choices import AUGMENTATIONS, SCORES
from symloss.training.draws import epoch_batches, steps_of, uniforms
from symloss.training.evaluating import Evaluator
from symloss.training.loading import Batches, Piece, batches_of
from symloss.training.machine import hardware, peak_memory, versions
from symloss.training.parts import Parts
from symloss.training.passes import least_batch, owned
from symloss.training.pixels import channels_of, normalisation_of, placings_of
from symloss.training.recipe import Recipe
from symloss.training.result import Epoch, Key, Result, Scored
from symloss.training.schedule import plateaus, rate
from symloss.training.stepping import Stepper

if TYPE_CHECKING:
    from lightning.fabric import Fabric

#: Called with epoch (from 1), epochs, step (from 1), steps of an epoch, and a line on how it goes.
Progress = Callable[[int, int, int, int, str], None]
#: Called with each step, from 0 over all epochs, and its loss.
Trace = Callable[[int, float], None]

#: Steps between two looks at whether the loss is still a number.
_LOOK = 50
#: Seconds between two calls of the progress.
_TICK = 0.25
_NO_LABEL = -100


class Trainer:
    """A training; :func:`~symloss.training.fit` says what its arguments are."""

    def __init__(
        self,
        recipe: Recipe,
        loss: Formula | CatalogueLoss,
        seed: int,
        key: Key,
        folder: Path,
        fabric: Fabric,
        *,
        workers: int,
        progress: Progress | None,
        trace: Trace | None,
        minutes: float,
        keep: bool,
        stopping: Stopping,
    ) -> None:
        self._recipe, self._loss, self._seed, self._key = recipe, loss, seed, key
        self._fabric, self._device, self._workers = fabric, fabric.device, workers
        self._progress, self._trace, self._minutes, self._keep = progress, trace, minutes, keep
        self._stopping = stopping
        if fabric.world_size > 1:
            stopping.agree = self._any
        self._checkpoints = Checkpoints(folder, key)
        self._parts = parts = Parts(recipe, seed)
        self._ignore = _NO_LABEL if parts.ignore_index is None else parts.ignore_index
        normalisation = normalisation_of(recipe, parts.train)
        self._normalise = normalisation.on(self._device)
        self._placings = placings_of(recipe, parts.train, parts.ignore_index, normalisation.mean)
        self._channels = channels_of(parts.train)
        shape = (self._channels, *self._placings[0].size)
        self._stepper = Stepper(recipe, loss, seed, fabric, shape, parts.classes, self._ignore)
        self._least = least_batch(recipe, self._stepper.network, shape, len(parts.train), fabric.world_size)
        self._steps = steps_of(len(parts.train), recipe.batch, recipe.steps, self._least)
        self._kind = torch.float64 if self._device.type != "mps" else torch.float32
        self._evaluator = Evaluator(
            recipe, fabric, self._stepper, self._normalise, parts.classes, self._ignore, stopping
        )
        # What a checkpoint holds beside the network: the epochs that are done and how far the next one is.
        self._history: list[Epoch] = []
        self._step = 0
        self._sums = torch.zeros(2, dtype=self._kind, device=self._device)  # of losses and of samples
        self._images, self._training, self._spent, self._diverged = 0, 0.0, 0.0, False
        self._began = self._told = self._saved = time.monotonic()

    def run(self) -> Result:
        """Train on to the end and return the result.

        Raises:
            SymlossError: a checkpoint is of another training, or data or network are not as they should be.
            KeyboardInterrupt: Ctrl-C; the state is saved.
        """
        if self._fabric.is_global_zero:
            self._checkpoints.clean()
        state = self._checkpoints.load()
        if state is not None:
            self._restore(state)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        train, validation = self._placings
        data = batches_of(
            self._recipe,
            {"train": (self._parts.train, train), "validation": (self._parts.validation, validation)},
            self._seed,
            self._channels,
            self._device,
            self._workers,
        )
        try:
            while len(self._history) < self._recipe.epochs and not self._diverged:
                self._epoch(data)
            del data
            return self._result()
        except KeyboardInterrupt:
            if self._stopping.asked:  # else it came in the middle of a step
                self._save()
                self._fabric.barrier()  # torchrun kills all when the first one ends
            raise

    def _epoch(self, data: Batches) -> None:
        """Train the rest of an epoch and validate."""
        recipe, epoch, fabric = self._recipe, len(self._history), self._fabric
        self._began = time.monotonic()
        drops = 0
        if recipe.schedule == "plateau":
            values = [done.validation[recipe.metrics[0]] for done in self._history]
            drops = plateaus(values, recipe.patience, SCORES[recipe.metrics[0]].higher_is_better)
        size, least = len(self._parts.train), self._least
        batches = epoch_batches(size, recipe.batch, recipe.steps, self._seed, epoch, least)[self._step :]
        pieces = self._pieces(data, batches, epoch)
        total = recipe.epochs * self._steps
        started, lr = time.monotonic(), rate(recipe, (epoch + 1) * self._steps - 1, total, drops)
        for batch in batches:
            # Before a step, so that a training which was interrupted here looks again when it goes on.
            if self._step % _LOOK == 0 and not self._sound():
                break
            step = epoch * self._steps + self._step
            own = [next(pieces) for _ in range(recipe.accumulate)]
            known = len(batch) if recipe.task == "classification" else None
            loss, count = self._stepper.step(own, known, step, rate(recipe, step, total, drops))
            self._sums[0] += loss
            self._sums[1] += count
            self._step += 1
            self._images += len(batch)
            self._training += time.monotonic() - started
            started = time.monotonic()
            if self._trace is not None:
                self._trace(step, float(loss / count))
            self._tell()
            if fabric.is_global_zero and time.monotonic() - self._saved > 60 * self._minutes:
                self._save()
            self._stopping.check()
        mean = float(self._sums[0] / self._sums[1])
        self._training += time.monotonic() - started  # until the device has done all that it was told
        diverged = not self._sound() or not self._stepper.finite()
        self._close_epoch(data, math.nan if diverged else mean, lr, diverged)

    def _close_epoch(self, data: Batches, loss: float, lr: float, diverged: bool) -> None:
        [validation] = self._evaluator(data, "validation", self._parts.validation, [self._stepper.network])
        seconds = self._spent_now()
        self._history.append(Epoch(len(self._history) + 1, loss, validation, lr, seconds))
        # Not before the epoch is among those that are done: validation may be interrupted.
        self._step, self._spent, self._diverged = 0, 0.0, diverged
        self._began = time.monotonic()
        self._sums.zero_()
        best = self._best()
        if self._fabric.is_global_zero:
            if best == len(self._history):
                self._checkpoints.save_best(best, self._stepper.network.state_dict())
            self._save()
            self._checkpoints.tidy(best)
        self._tell(force=True)

    def _result(self) -> Result:
        """Read the test part, once, for the best and the last weights, and close the training."""
        best, last = self._best(), len(self._history)
        networks = [self._stepper.network]
        self._fabric.barrier()
        if best != last:
            networks.append(copy.deepcopy(self._stepper.network))
            networks[-1].load_state_dict(self._checkpoints.best(best))
        part = self._parts.test()
        placing = self._placings[1]
        data = batches_of(
            self._recipe, {"test": (part, placing)}, self._seed, self._channels, self._device, self._workers
        )
        found = self._evaluator(data, "test", part, networks)
        scored = [
            Scored(epoch, self._history[epoch - 1].validation, test)
            for epoch, test in zip((last, best), (found[0], found[-1]), strict=True)
        ]
        result = Result(
            key=self._key,
            recipe=json.loads(self._recipe.to_json()),
            loss=title(self._loss) if isinstance(self._loss, CatalogueLoss) else to_text(self._loss),
            seed=self._seed,
            scale=self._stepper.scale,
            best=scored[1],
            last=scored[0],
            diverged=self._diverged,
            history=tuple(self._history),
            images={"train": len(self._parts.train), "validation": len(self._parts.validation), "test": len(part)},
            images_per_second=self._images / max(self._training, 1e-9),
            peak_memory=peak_memory(self._device),
            seconds=sum(epoch.seconds for epoch in self._history),
            versions=versions(),
            hardware=hardware(self._device),
            device=self._device.type,
            precision=self._recipe.precision,
            processes=self._fabric.world_size,
        )
        if self._fabric.is_global_zero:
            self._checkpoints.finish(best, result, self._keep)
        self._fabric.barrier()
        return result

    def _pieces(self, data: Batches, batches: list[np.ndarray], epoch: int) -> Iterator[Piece]:
        """Give this process's pieces of some batches, changed at random and normalised."""
        fabric, recipe = self._fabric, self._recipe
        mine = owned(batches, recipe.accumulate, fabric.world_size, fabric.global_rank)
        # A piece without images has one that does not count, as processes step together.
        filled = [piece if len(piece) else batches[0][:1] for piece in mine]
        draws = AUGMENTATIONS[recipe.augment].draws
        segments = recipe.task == "segmentation"
        for own, piece, (images, target) in zip(mine, filled, data.read("train", filled, epoch), strict=True):
            if not len(own):
                target = torch.full_like(target, self._ignore)
            if draws:
                numbers = uniforms(self._seed, epoch, self._parts.train.rows[piece], draws)
                images, masks = augmented(recipe.augment, images, target if segments else None, numbers)
                target = target if masks is None else masks
            yield self._normalise(images), target

    def _any(self, asked: bool) -> bool:
        """Return whether one of the processes is asked to stop."""
        found = torch.tensor(int(asked), device=self._device)
        torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
        return bool(found)

    def _sound(self) -> bool:
        """Return whether the training goes on: its loss is a number, or infinite with a network that is finite."""
        loss = float(self._sums[0])
        return math.isfinite(loss) or (math.isinf(loss) and self._stepper.finite())

    def _best(self) -> int:
        """Return the epoch, from 1, with the best validation metric; the first of equal ones."""
        name = self._recipe.metrics[0]
        sign = 1 if SCORES[name].higher_is_better else -1
        values = [sign * epoch.validation[name] for epoch in self._history]
        values = [-math.inf if math.isnan(value) else value for value in values]
        return values.index(max(values)) + 1

    def _spent_now(self) -> float:
        """Return the seconds that the epoch in hand has taken, before an interruption and since."""
        return self._spent + time.monotonic() - self._began

    def _save(self) -> None:
        if not self._fabric.is_global_zero:
            return
        self._checkpoints.save(
            {
                **self._stepper.state(),
                "history": [asdict(epoch) for epoch in self._history],
                "step": self._step,
                "sums": self._sums.cpu(),
                "images": self._images,
                "training": self._training,
                "spent": self._spent_now(),
                "diverged": self._diverged,
            }
        )
        self._saved = time.monotonic()

    def _restore(self, state: dict[str, object]) -> None:
        self._stepper.restore(state)  # type: ignore[arg-type]
        self._history = [Epoch(**epoch) for epoch in state["history"]]  # type: ignore[attr-defined]
        sums = state["sums"]
        assert isinstance(sums, Tensor)
        self._sums = sums.to(self._device, self._kind)
        self._step, self._images = int(state["step"]), int(state["images"])  # type: ignore[call-overload]
        self._training, self._spent = float(state["training"]), float(state["spent"])  # type: ignore[arg-type]
        self._diverged = bool(state["diverged"]) and not self._step

    def _tell(self, force: bool = False) -> None:
        now = time.monotonic()
        if self._progress is None or not self._fabric.is_global_zero or (now - self._told < _TICK and not force):
            return
        self._told = now
        done, recipe = len(self._history), self._recipe
        if self._step:
            text = f"loss {float(self._sums[0] / self._sums[1]):.4g}"
            self._progress(done + 1, recipe.epochs, self._step, self._steps, text)
            return
        values = ", ".join(f"{name} {value:.4g}" for name, value in self._history[-1].validation.items())
        self._progress(done, recipe.epochs, self._steps, self._steps, f"validation: {values}")
