"""The one call that trains."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from symloss.errors import SymlossError
from symloss.formula import Formula, to_text
from symloss.locking import alone, lock_of
from symloss.losses import CatalogueLoss
from symloss.runtime import Stopping, first_line, out_of_memory, users_code
from symloss.training.recipe import Recipe
from symloss.training.result import Key, Result, check_key, drop_weights, read_result

if TYPE_CHECKING:
    from symloss.training.trainer import Progress, Trace


def key_of(recipe: Recipe, loss: Formula | CatalogueLoss, seed: int) -> Key:
    """Return what a training is of: equivalent losses are one, and with ``raw`` only those written alike."""
    if not isinstance(loss, Formula):
        name, written = loss.id, f"{loss.class_reduction} {to_text(loss.plain_formula)}" if loss.plain else ""
    else:
        # Imported here because SymPy comes with it.
        from symloss.symbolic import loss_id

        name, written = loss_id(loss), f"sum {to_text(loss)}"
    if recipe.raw and written:
        # The id leaves a positive factor out, which is trained with here.
        name += "-" + hashlib.blake2b(written.encode(), digest_size=4).hexdigest()
    return Key(recipe.digest(), name, seed)


def fit(
    recipe: Recipe,
    loss: Formula | CatalogueLoss,
    seed: int,
    folder: str | Path,
    *,
    device: str = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
    trace: Trace | None = None,
    minutes: float = 10.0,
    keep: bool = True,
    stopping: Stopping | None = None,
) -> Result:
    """Train one loss with one seed, or go on where it was interrupted, or return the result that is there.

    Under ``torchrun`` its processes train together; each of them calls this and gets the result. The seed decides the
    initial weights, the order of the images, how they are augmented, dropout and label noise, whatever the loss. On a
    CPU a training that was killed and called again ends bit for bit like one that was not; on a GPU kernels may add in
    another order.

    Args:
        recipe: the settings.
        loss: a formula of one class on a softmax, or a known loss.
        seed: a whole number of at least 0.
        folder: where its checkpoints and ``result.json`` are; made if it is not there.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        workers: processes for each training process that read images which do not fit into memory; 0 reads them
            in the training process; None takes as many as there are cores, at most 16.
        progress: called now and then with epoch, epochs, step, steps and a line on how it goes.
        trace: called with each step, counted from 0, and its loss. A GPU waits for each.
        minutes: a checkpoint is written after each epoch, and within an epoch after so many minutes.
        keep: whether the weights of the best and the last epoch, ``best.pt`` and ``last.pt``, stay there in the end.
        stopping: asks to stop; its listening to signals is the caller's. By default Ctrl-C does.

    Raises:
        SymlossError: the folder has another training's files, or another process trains there; the dataset or the
            device is not there; the network does not suit the images or its batches, or memory does not suffice.
        KeyboardInterrupt: Ctrl-C. The step in hand is finished and the state saved; the same call goes on from there.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SymlossError(f"seed is {seed!r}; it must be a whole number of at least 0")
    folder, key = Path(folder), key_of(recipe, loss, seed)
    done = _finished(folder, key, keep)
    if done is not None:
        return done
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SymlossError(f"cannot make the folder {folder}: {error.strerror}; choose another place") from None
    return _trained(recipe, loss, seed, key, folder, device, workers, progress, trace, minutes, keep, stopping)


def _finished(folder: Path, key: Key, keep: bool) -> Result | None:
    """Return the result that is there."""
    done = read_result(folder)
    if done is not None:
        check_key(done.key, key, folder)
        if not keep:  # a training that was to keep them, or was killed before it could remove them
            drop_weights(folder)
    return done


def _trained(
    recipe: Recipe,
    loss: Formula | CatalogueLoss,
    seed: int,
    key: Key,
    folder: Path,
    device: str,
    workers: int | None,
    progress: Callable[[int, int, int, int, str], None] | None,
    trace: Callable[[int, float], None] | None,
    minutes: float,
    keep: bool,
    asked: Stopping | None,
) -> Result:
    import torch  # it takes seconds to import, and a result that is there needs none of it

    from symloss.training.loading import default_workers
    from symloss.training.machine import cudnn_tries, start_fabric
    from symloss.training.trainer import Trainer

    fabric = start_fabric(device, recipe.precision)
    on = [fabric.device] if fabric.device.type == "cuda" else []
    stopping = asked or Stopping()
    message = None
    with ExitStack() as stack:
        mine = stack.enter_context(alone(folder)) if fabric.is_global_zero else True
        if not fabric.broadcast(mine):
            who = lock_of(folder) or "another process"
            raise SymlossError(f"{who} trains in {folder}; wait for it or choose another folder")
        done = _finished(folder, key, keep)  # by a process that had the folder until now
        if done is not None:
            return done
        # The caller's random numbers and Ctrl-C are as they were afterwards.
        for context in (torch.random.fork_rng(devices=on), cudnn_tries()):
            stack.enter_context(context)
        if asked is None:
            stack.enter_context(stopping.listening())
        stack.callback(setattr, stopping, "agree", None)
        stack.enter_context(users_code("model", recipe.model, "in training"))
        try:
            return Trainer(
                recipe,
                loss,
                seed,
                key,
                folder,
                fabric,
                workers=default_workers(fabric.world_size) if workers is None else workers,
                progress=progress,
                trace=trace,
                minutes=minutes,
                keep=keep,
                stopping=stopping,
            ).run()
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            message = first_line(error)
    # Only here, as the error holds the memory of the frames it came from.
    raise SymlossError(
        f"the training does not fit into the memory of {fabric.device}: {message}; raise accumulate, or lower batch, "
        "size or hidden"
    )
