"""A search's course for TensorBoard."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from symloss.errors import SymlossError
from symloss.events.event import Event, Listener, ignore

if TYPE_CHECKING:
    from symloss.search import Progress


class TensorBoard:
    """Writes scalars and the best formula of a search into a folder that ``tensorboard --logdir`` reads.

    Use it as a context manager; :meth:`observe` is an observer and the object itself a listener. Over the number of
    candidates trained: ``search/best`` (validation score of the best), ``search/cross-entropy`` (on the same rung),
    ``search/trained``, ``search/candidates_per_second``, and ``rejected/SCREEN``, how many each screen rejected so far.
    At the end the text ``best``. A resumed run adds what is new.

    Args:
        folder: where to.
        complain: told once, as a warning, when something could not be written; the search goes on.

    Raises:
        SymlossError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, complain: Listener = ignore) -> None:
        writer = _summary_writer()
        self._folder, self._complain, self._broken = folder, complain, False
        self._writer: Any = None
        self._write(partial(self._open, writer))
        self._seen: tuple[int, float | None] = (0, None)
        self._trained, self._best = 0, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(lambda: self._writer.close())

    def observe(self, progress: Progress) -> None:
        """Write what has changed since candidates were last trained."""
        state = progress.trained, progress.best
        if progress.best is not None:
            self._best = progress.best_formula
        if state == self._seen or progress.trained <= progress.trained_before or progress.best is None:
            return
        self._seen, self._trained = state, progress.trained
        scalars: dict[str, float | None] = {
            "search/best": progress.best,
            "search/cross-entropy": progress.baseline,
            "search/trained": progress.trained,
            "search/candidates_per_second": progress.pace,
        }
        scalars |= {f"rejected/{screen}": count for screen, count in progress.rejected.items()}

        def write() -> None:
            for name, value in scalars.items():
                if value is not None:
                    self._writer.add_scalar(name, value, progress.trained)
            self._writer.flush()

        self._write(write)

    def __call__(self, event: Event) -> None:
        """Write the best formula when the search has ended."""
        if event.name not in ("finished", "stopped"):
            return
        best = event.fields.get("best")
        text = self._best
        if best:
            text = f"{best['formula']}\n\nvalidation {best['validation']:.4f}, test {best['test']:.4f}"
        if text:
            self._write(lambda: self._writer.add_text("best", text, self._trained))

    def _open(self, writer: Any) -> None:
        self._writer = writer(log_dir=str(self._folder))

    def _write(self, write: Callable[[], None]) -> None:
        if self._broken:
            return
        try:
            write()
        except OSError as error:  # a full disk ends the writer's thread
            self._broken = True
            message = f"cannot write in {self._folder}: {error.strerror}; the run goes on without TensorBoard"
            self._complain(Event("warning", {"message": message}))


def check_tensorboard() -> None:
    """See that TensorBoard is there, before a run is made that wants it.

    Raises:
        SymlossError: it is not.
    """
    _summary_writer()


def _summary_writer() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some versions warn, as they are imported, of what they import
            from torch.utils.tensorboard import SummaryWriter
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tensorboard":
            raise
        raise SymlossError("--log tensorboard needs TensorBoard; install it with: pip install 'symloss[log]'") from None
    return SummaryWriter
