"""Response tables: the gradient of any class-wise loss at the cost of one lookup.

With softmax outputs ``p`` and hard labels, a loss ``sum_c L(p_c, y_c)`` reaches the network only through its two
response curves ``r_y(p) = p * dL/dp(p, y)``, y in {0, 1}:

    dL/dz_c = r_c(p_c) - p_c * sum_k r_k(p_k)      r_c = r1 for the true class, r0 for the others

The curves are tabulated uniformly in ``u = log p - log(1-p)``, which is dense at both ends of [0, 1], and read with
Bessel's quadratic interpolation formula. (Linear interpolation errs by 1e-5 on such a grid. Where a weight's gradient
is about to change sign, Adam turns that into a visible difference: 1-6 % of the largest weight after 100 steps.)
Outside the grid (p < 1e-13, or 1 - p < 4e-8, which float32 cannot tell from 1) the last value holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from symloss.errors import SymlossError

U_MIN, U_MAX = -30, 17
_CELLS = 64  # per unit of u. A power of two, and u = 0 a grid point: then float32 finds the place in a cell exactly
GRID_SIZE = (U_MAX - U_MIN) * _CELLS + 1

#: A smooth curve is checked in every cell of so many. Odd, as no feature of a formula is likely to have its period.
_THIN = 15

_SMALLEST_LOG = -60.0

_U = np.arange(GRID_SIZE) / _CELLS + U_MIN
_OFF_GRID = (0.25, 0.5, 0.75)  # the formula's error changes sign at 0.5, so the middle alone would flatter it
#: The grid's points p and 1 - p, float64, each to full relative precision.
GRID_P, GRID_Q = 1 / (1 + np.exp(-_U)), 1 / (1 + np.exp(_U))

_CELLS_ALL = np.arange(GRID_SIZE - 1)
_THIN_CELLS = np.arange(0, GRID_SIZE - 1, _THIN)
_TINY = 1e-300


def _off_grid(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return p and 1 - p at the quarters of some cells."""
    u = (_U[cells] + np.array(_OFF_GRID)[:, None] / _CELLS).ravel()
    return 1 / (1 + np.exp(-u)), 1 / (1 + np.exp(u))


#: Where a smooth curve is asked for off the grid.
THIN_P, THIN_Q = _off_grid(_THIN_CELLS)

#: ``(p, 1 - p) -> (r0, r1)``, elementwise over float64 arrays.
Response = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Gradients(Protocol):
    """The gradients of K losses with respect to the logits of S x K networks."""

    def __len__(self) -> int:
        """Return K."""

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the gradient of each network's mean loss over the batch.

        Args:
            logits: ``[S, K, B, C]``; network (s, k) has loss k.
            target: ``[S, B]`` int64 class indices, the same for every loss.

        Returns:
            ``[S, K, B, C]``. It may be a buffer that the next call overwrites.
        """

    def select(self, members: Sequence[int]) -> Gradients:
        """Return the gradients of the named losses only, in that order; a loss may be named twice."""

    def to(self, device: str | torch.device) -> Gradients:
        """Return the same on another device."""


def build_table(r0: np.ndarray, r1: np.ndarray) -> Tensor:
    """Return the table ``[2, G]`` float32 of response curves given at ``GRID_P``.

    Raises:
        SymlossError: the curves are not ``[G]``, or hold values that float32 cannot.
    """
    table = np.empty((2, GRID_SIZE), dtype=np.float32)
    for row, name, curve in ((0, "r0", r0), (1, "r1", r1)):
        if np.shape(curve) != (GRID_SIZE,):
            raise SymlossError(f"{name} has shape {np.shape(curve)}; give its {GRID_SIZE} values at GRID_P")
        bad = ~(np.abs(curve) <= np.finfo(np.float32).max)  # nan included
        if bad.any():
            first = int(np.argmax(bad))
            raise SymlossError(
                f"{name} is {curve[first]!r} at p = {GRID_P[first]:.6g}; a table needs finite float32 values, "
                "so train this loss through autograd or reject it"
            )
        table[row] = curve
    return torch.from_numpy(table)


def table_error(table: Tensor, response: Response) -> float:
    """Return the largest interpolation error of a table ``[2, G]`` at quarters of its cells.

    Each curve's error is relative to its own largest absolute value; the larger of the two is returned. It is
    infinite where the response is not finite. A jump shows as half its height or more.

    Where the table's own third differences say that the error is below 1e-6 everywhere, the curve is asked for in one
    cell of :data:`_THIN` only: a curve so smooth on the grid hides nothing between its points but what is narrower than
    a cell.
    """
    values = table.double().cpu().numpy()
    sizes = np.abs(values).max(axis=1, keepdims=True)
    # Bessel's formula errs by at most 0.008 times the third difference, which is h**3 times the third derivative.
    bend = float((0.008 * np.abs(np.diff(values, n=3, axis=1)).max(axis=1) / np.maximum(sizes[:, 0], _TINY)).max())
    smooth = bend <= 1e-6
    cells, p, q = (_THIN_CELLS, THIN_P, THIN_Q) if smooth else (_CELLS_ALL, *_off_grid(_CELLS_ALL))
    exact = np.stack(response(p, q))
    with np.errstate(all="ignore"):
        errors = np.abs(_read(values, cells) - exact)
        worst = float((errors / np.maximum(np.maximum(sizes, np.abs(exact).max(axis=1, keepdims=True)), _TINY)).max())
    if not np.isfinite(worst):
        return float("inf")
    return max(worst, bend) if smooth else worst


def _read(values: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return what a table ``[2, G]`` float64 says at the quarters of some cells, ``[2, 3 * cells]``."""
    here, ahead = values[:, cells], values[:, cells + 1]
    second = np.empty_like(values)
    second[:, 1:-1] = values[:, 2:] - 2 * values[:, 1:-1] + values[:, :-2]
    second[:, 0], second[:, -1] = second[:, 1], second[:, -2]
    bend = (second[:, cells] + second[:, cells + 1]) / 4
    places = np.array(_OFF_GRID)[:, None]
    read = here[:, None] + places * ((ahead - here - bend)[:, None] + places * bend[:, None])
    return read.reshape(2, -1)


def _coefficients(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return a and b, shaped as values ``[..., G]``: the curve at f in [0, 1) of a cell is ``value + f*(a + f*b)``.

    Bessel's formula to second order: a chord, bent by the mean second difference of the cell's two ends. Its error
    is at most 0.008 h^3 times the third derivative.
    """
    slope = torch.zeros_like(values)
    slope[..., :-1] = values.diff(dim=-1)
    second = torch.zeros_like(values)
    second[..., 1:-1] = values.diff(n=2, dim=-1)
    second[..., 0], second[..., -1] = second[..., 1], second[..., -2]
    bend = torch.zeros_like(values)
    bend[..., :-1] = (second[..., :-1] + second[..., 1:]) / 4
    return slope - bend, bend


class TableGradients:
    """Gradients of K tabulated losses at once; the cost does not depend on their formulas.

    A network whose logits are not finite gets a gradient that is not finite, and touches no other network. A loss's
    gradient has the same bits whatever losses are beside it.

    Args:
        tables: ``[K, 2, G]`` float32, stacked results of :func:`build_table`.
    """

    def __init__(self, tables: Tensor) -> None:
        if tables.ndim != 3 or tables.shape[1:] != (2, GRID_SIZE) or not len(tables):
            raise SymlossError(
                f"the tables have shape {tuple(tables.shape)}; it must be [K, 2, {GRID_SIZE}] with K of at least 1"
            )
        self._tables = tables.float().contiguous()
        self._columns = [column.view(-1) for column in (self._tables, *_coefficients(self._tables))]
        row = 2 * GRID_SIZE * torch.arange(len(tables), dtype=torch.int32, device=tables.device)
        self._row = row.view(1, -1, 1, 1) - U_MIN * _CELLS
        self._scaled: dict[int, list[Tensor]] = {}
        self._buffers: dict[tuple[int, ...], tuple[Tensor, ...]] = {}

    def __len__(self) -> int:
        return len(self._tables)

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """See :class:`Gradients`. Fastest when ``logits`` is a view of a contiguous ``[S, K, C, B]`` tensor."""
        # Classes before samples: reductions over C then run along contiguous rows of B.
        z = logits.transpose(2, 3)
        p, u, r, w, index, total = self._buffers_for(z)
        values, steepness, curvature = self._scaled_for(z.shape[-1])

        # The softmax is spelled out because torch's own rounds differently at the seams between threads.
        torch.amax(z, 2, keepdim=True, out=total)
        # Clamped to 1e-26, which no gradient can show: exp is 30 times slower where it underflows.
        torch.sub(z, total, out=p).clamp_min_(_SMALLEST_LOG).exp_()
        torch.sum(p, 2, keepdim=True, out=total)
        p.div_(total)
        torch.sub(1.0, p, out=u)
        torch.div(p, u, out=u).log_()
        # nan (a diverged network) needs a valid place in the table; p brings the nan back below.
        u.nan_to_num_(0.0, U_MAX, U_MIN).clamp_(U_MIN, U_MAX)
        u.mul_(_CELLS)
        torch.floor(u, out=r)
        index.copy_(r).add_(self._row)
        u.sub_(r)
        true_class = torch.arange(z.shape[2], device=z.device).view(1, 1, -1, 1) == target[:, None, None]
        index.add_(true_class.to(torch.int32).mul_(GRID_SIZE))

        flat = index.view(-1)
        torch.index_select(curvature, 0, flat, out=r.view(-1))
        torch.index_select(steepness, 0, flat, out=w.view(-1))
        r.mul_(u).add_(w).mul_(u)
        torch.index_select(values, 0, flat, out=w.view(-1))
        r.add_(w)
        torch.sum(r, 2, keepdim=True, out=total)
        return r.sub_(p.mul_(total)).transpose(2, 3)

    def select(self, members: Sequence[int]) -> TableGradients:
        """Return the gradients of the named losses only, in that order."""
        return TableGradients(self._tables[torch.as_tensor(list(members), device=self._tables.device)])

    def to(self, device: str | torch.device) -> TableGradients:
        """Return the same on another device."""
        return self if self._tables.device == torch.device(device) else TableGradients(self._tables.to(device))

    def _scaled_for(self, batch: int) -> list[Tensor]:
        """Return the columns divided by the batch size: the mean over the batch then costs nothing."""
        if batch not in self._scaled:
            self._scaled = {batch: [column / batch for column in self._columns]}
        return self._scaled[batch]

    def _buffers_for(self, z: Tensor) -> tuple[Tensor, ...]:
        shape = tuple(z.shape)
        if shape not in self._buffers:
            if shape[1] != len(self):
                raise SymlossError(f"the logits are of {shape[1]} losses, the tables of {len(self)}; give one each")
            p, u, r, w = (torch.empty(shape, device=z.device) for _ in range(4))
            index = torch.empty(shape, dtype=torch.int32, device=z.device)
            total = torch.empty(shape[0], shape[1], 1, shape[3], device=z.device)
            self._buffers = {shape: (p, u, r, w, index, total)}  # one shape: population training never alternates
        return self._buffers[shape]


class AutogradGradients:
    """Gradients through autograd, one network at a time, for losses that no table represents.

    Args:
        criterions: K callables ``(logits [B, C], target [B]) -> scalar``, the mean loss over the batch.
    """

    def __init__(self, criterions: Sequence[Callable[[Tensor, Tensor], Tensor]]) -> None:
        if not criterions:
            raise SymlossError("there are no criterions; give at least 1")
        self._criterions = list(criterions)

    def __len__(self) -> int:
        return len(self._criterions)

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """See :class:`Gradients`."""
        gradient = torch.empty_like(logits)
        for s, labels in enumerate(target):
            for k, criterion in enumerate(self._criterions):
                z = logits[s, k].detach().clone().requires_grad_()
                with torch.enable_grad():
                    loss = criterion(z, labels)
                gradient[s, k] = torch.autograd.grad(loss, z)[0]
        return gradient

    def select(self, members: Sequence[int]) -> AutogradGradients:
        """Return the gradients of the named losses only, in that order."""
        return AutogradGradients([self._criterions[k] for k in members])

    def to(self, device: str | torch.device) -> AutogradGradients:
        """Return itself: a criterion runs where its logits are."""
        return self


class MixedGradients:
    """Several kinds of gradients as one.

    Args:
        parts: the gradients of each kind.
        members: for each part, the places in ``0..K-1`` of its losses; together every place exactly once.
    """

    def __init__(self, parts: Sequence[Gradients], members: Sequence[Sequence[int]]) -> None:
        places = [place for group in members for place in group]
        if [len(part) for part in parts] != [len(group) for group in members] or sorted(places) != list(
            range(len(places))
        ):
            raise SymlossError(
                f"the places {[list(group) for group in members]} do not match parts of "
                f"{[len(part) for part in parts]} losses; name each place from 0 to {max(len(places) - 1, 0)} once"
            )
        self._parts = list(parts)
        self._members = [list(group) for group in members]
        self._size = len(places)

    def __len__(self) -> int:
        return self._size

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """See :class:`Gradients`."""
        gradient = torch.empty_like(logits)
        for part, group in zip(self._parts, self._members, strict=True):
            gradient[:, group] = part(logits[:, group], target)
        return gradient

    def select(self, members: Sequence[int]) -> MixedGradients:
        """Return the gradients of the named losses only, in that order."""
        parts, groups = [], []
        for part, group in zip(self._parts, self._members, strict=True):
            places = [place for place, member in enumerate(members) if member in group]
            if places:
                parts.append(part.select([group.index(members[place]) for place in places]))
                groups.append(places)
        return MixedGradients(parts, groups)

    def to(self, device: str | torch.device) -> MixedGradients:
        """Return the same on another device."""
        return MixedGradients([part.to(device) for part in self._parts], self._members)
