"""Fitting a population into memory: measured on a GPU, and halved wherever it does not fit after all."""

from __future__ import annotations

from collections.abc import Callable

import torch

from symloss.errors import SymlossError
from symloss.runtime import first_line, out_of_memory

#: The share of a GPU's free memory that a chunk fills: the rest is for libraries' workspaces and fragmentation.
_SHARE = 0.6
#: Members that show what one needs; fewer where so many do not fit.
_PROBES = (16, 2)


def release(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def measured_chunk(attempt: Callable[[int], object], members: int, device: torch.device) -> int:
    """Return how many members fill a share of a GPU's free memory, from 1 to ``members``.

    Args:
        attempt: trains so many members for a moment and evaluates them.
        members: how many there are.
        device: a CUDA device.
    """
    for probe in sorted({min(count, members) for count in _PROBES}, reverse=True):
        release(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        try:
            attempt(probe)
            torch.cuda.synchronize(device)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            continue
        apiece = max(1, torch.cuda.max_memory_allocated(device) - before) / probe
        release(device)
        free, _ = torch.cuda.mem_get_info(device)
        return max(1, min(members, int(_SHARE * free / apiece)))
    return 1


class Narrowing:
    """Does pieces of work, in halves where memory runs out, and all later ones no larger than what may fit.

    Args:
        device: where they run.
        hint: what else a user can do, for the error.
    """

    def __init__(self, device: torch.device, hint: str) -> None:
        self._device, self._hint = device, hint
        self._most: int | None = None

    def run(self, work: Callable[[range, range], None], members: range, seeds: range) -> None:
        """Call ``work(members, seeds)``, or several times with parts of both that together are the whole.

        Raises:
            SymlossError: one network alone does not fit.
        """
        networks = len(members) * len(seeds)
        if self._most is None or networks <= self._most:
            message = self._attempt(work, members, seeds)
            if message is None:
                return
            # Only here, as the error held the memory of the frames it came from.
            release(self._device)
            if networks == 1:
                raise SymlossError(
                    f"one network does not fit into the memory of {self._device}: {message}; {self._hint}"
                )
            self._most = networks // 2
        if len(members) > 1:
            half = len(members) // 2
            self.run(work, members[:half], seeds)
            self.run(work, members[half:], seeds)
        else:
            half = len(seeds) // 2
            self.run(work, members, seeds[:half])
            self.run(work, members, seeds[half:])

    @staticmethod
    def _attempt(work: Callable[[range, range], None], members: range, seeds: range) -> str | None:
        """Return None, or the first line of the error if memory ran out."""
        try:
            work(members, seeds)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            return first_line(error)
        return None
