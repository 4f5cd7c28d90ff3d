"""The state of a training in files: what it goes on from, and the weights of its best epoch."""

from __future__ import annotations

import io
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from symloss.errors import SymlossError
from symloss.files import write_atomic
from symloss.training.result import BEST_FILE, LAST_FILE, Key, Result, check_key, drop_weights

_FORMAT = 1


class Checkpoints:
    """The checkpoints of one training in a folder.

    Weights of a best epoch are written before the state that knows of them, under a name of their own; those of the
    best epoch before are removed after it. So whenever a process is killed, the state that is there has its weights.

    Args:
        folder: where.
        key: of the training.
    """

    def __init__(self, folder: Path, key: Key) -> None:
        self._folder, self._key = folder, key

    def load(self) -> dict[str, Any] | None:
        """Return the state, tensors on the CPU, or None where there is none.

        Raises:
            SymlossError: it is damaged, or another training's.
        """
        return self._read(self._folder / LAST_FILE) if (self._folder / LAST_FILE).exists() else None

    def save(self, state: dict[str, Any]) -> None:
        """Write the state; it holds tensors, numbers, text, lists and dicts alone."""
        self._write(LAST_FILE, state)

    def save_best(self, epoch: int, weights: dict[str, Any]) -> None:
        """Write the weights of a best epoch."""
        self._write(_best(epoch), {"epoch": epoch, "network": weights})

    def best(self, epoch: int) -> dict[str, Any]:
        """Return the weights of the best epoch.

        Raises:
            SymlossError: they are not there.
        """
        for path in (self._folder / _best(epoch), self._folder / BEST_FILE):
            if path.exists():
                found = self._read(path)
                if found["epoch"] == epoch:
                    weights: dict[str, Any] = found["network"]
                    return weights
        raise SymlossError(
            f"{self._folder} lacks {_best(epoch)}, the weights of the best epoch; remove {LAST_FILE} to train again"
        )

    def clean(self) -> None:
        """Remove halves of files that a killed process has left."""
        for path in self._folder.glob(".*.pt.*"):
            path.unlink(missing_ok=True)

    def tidy(self, epoch: int) -> None:
        """Remove the weights of best epochs other than this one."""
        for path in self._folder.glob(_best("*")):
            if path.name != _best(epoch):
                path.unlink(missing_ok=True)

    def finish(self, epoch: int, result: Result, keep: bool) -> None:
        """Name the best weights ``best.pt`` and write the result; then remove all weights unless they are kept."""
        if (path := self._folder / _best(epoch)).exists():
            path.replace(self._folder / BEST_FILE)
        result.save(self._folder)
        self.tidy(epoch)
        if not keep:
            drop_weights(self._folder)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        buffer = io.BytesIO()
        torch.save({"format": _FORMAT, "key": asdict(self._key), **content}, buffer)
        write_atomic(self._folder / name, buffer.getvalue())

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
            if found["format"] != _FORMAT:
                raise SymlossError(f"{path} has format {found['format']}, this version reads {_FORMAT}; remove it")
            key = Key(**found["key"])
        except SymlossError:
            raise
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, pickle.UnpicklingError) as error:
            text = " ".join(str(error).split())[:200]
            raise SymlossError(f"cannot read the checkpoint {path}: {text}; remove it to train again") from None
        check_key(key, self._key, path)
        result: dict[str, Any] = found
        return result


def _best(epoch: int | str) -> str:
    return f"best-{epoch}.pt"
