"""A population of networks with one hidden layer: forward and backward written out, all networks at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


class PopulationMLP:
    """S x K networks ``D -> H -> ReLU -> C`` whose parameters lie in one buffer.

    Activations are kept as ``[S, K, units, samples]``: each network's block is contiguous, and every product
    is a batched GEMM over networks. Its kernels see one network at a time, so a network's bits do not depend
    on what is beside it. (One GEMM over all networks for the first layer is 5 % faster and promises no such
    thing.)

    Args:
        weights: for each of S seeds, the initial ``w1 [H, D]``, ``b1 [H]``, ``w2 [C, H]`` and ``b2 [C]``.
        members: K, the number of networks per seed. From 2 on: BLAS splits a lone product differently.
        device: where the buffers are.

    Attributes:
        parameters: every parameter, flat: first all networks' w1, then b1, w2, b2 and padding.
        gradients: their gradients, in the same order, filled by :meth:`backward`.

    Other attributes and methods: see :class:`~symloss.fitness.network.Population`.
    """

    least = 2
    rows = 1024
    capturable = True

    def __init__(self, weights: Sequence[dict[str, np.ndarray]], members: int, device: str | torch.device) -> None:
        # By parameter and not by network: a batched GEMM is fast only into a contiguous result.
        initial = {name: torch.from_numpy(np.stack([seed[name] for seed in weights])) for name in weights[0]}
        blocks = [block[:, None].repeat_interleave(members, 1) for block in initial.values()]
        flat = [block.reshape(-1) for block in blocks]
        # Padded to whole vector registers: the fused Adam rounds differently in a tail that does not fill one.
        padding = -sum(len(block) for block in flat) % 64
        self.parameters = torch.cat([*flat, torch.zeros(padding)]).to(device)
        self.gradients = torch.zeros_like(self.parameters)
        shapes = dict(zip(initial, [block.shape for block in blocks], strict=True))
        self._w = _views(self.parameters, shapes)
        self._g = _views(self.gradients, shapes)
        self._inputs = self._hidden = self._back = self._logits = torch.empty(0, device=device)

    def weights(self, seed: int, member: int) -> dict[str, Tensor]:
        """Return copies of one network's parameters by name, shaped as ``torch.nn.Linear`` has them."""
        return {name: view[seed, member].clone() for name, view in self._w.items()}

    def buffers(self, seed: int, member: int) -> dict[str, Tensor]:
        """Return nothing: these networks have no buffers."""
        return {}

    def finite(self) -> Tensor:
        """Return ``[S, K]``: whether all of a network's parameters are finite."""
        return torch.stack([view.flatten(2).isfinite().all(-1) for view in self._w.values()]).all(0)

    def forward(self, inputs: Tensor, step: int) -> Tensor:
        """Return the logits ``[S, K, B, C]`` of inputs ``[S, B, D]``, in a buffer that the next call reuses."""
        w1, b1, w2, b2 = self._w.values()
        seeds, members, hidden, _ = w1.shape
        samples = inputs.shape[1]
        self._inputs = _whole_rows(inputs)
        rows = self._inputs.shape[1]
        if self._hidden.shape[-1:] != (rows,):
            self._hidden = inputs.new_empty(seeds, members, hidden, rows)
            self._back = torch.empty_like(self._hidden)
            self._logits = inputs.new_empty(seeds, members, b2.shape[-1], rows)
        for s in range(seeds):
            torch.bmm(w1[s], self._inputs[s].T.expand(members, -1, -1), out=self._hidden[s])
        self._hidden.add_(b1[..., None]).relu_()
        for s in range(seeds):
            torch.bmm(w2[s], self._hidden[s], out=self._logits[s])
        return self._logits.add_(b2[..., None]).transpose(2, 3)[:, :, :samples]

    def evaluate(self, seed: int, inputs: Tensor, members: slice) -> Tensor:
        """Return the logits ``[k, B, C]`` of some members of a seed for inputs ``[B, D]``."""
        w1, b1, w2, b2 = (view[seed, members] for view in self._w.values())
        columns = _whole_rows(inputs[None])[0].T
        hidden = torch.bmm(w1, columns.expand(len(w1), -1, -1)).add_(b1[..., None]).relu_()
        logits = torch.bmm(w2, hidden).add_(b2[..., None])
        return logits.transpose(1, 2)[:, : len(inputs)]

    def backward(self, gradient: Tensor) -> None:
        """Fill :attr:`gradients` from dz ``[S, K, B, C]`` at the logits of the last :meth:`forward`."""
        w2, dz = self._w["w2"], gradient.transpose(2, 3)
        seeds, members = w2.shape[:2]
        if dz.shape[3] % 4:
            dz = functional.pad(dz, (0, -dz.shape[3] % 4))  # samples that are not there ask for nothing
        for s in range(seeds):
            hidden, back = self._hidden[s], self._back[s]
            torch.bmm(dz[s], hidden.transpose(1, 2), out=self._g["w2"][s])
            torch.bmm(w2[s].transpose(1, 2), dz[s], out=back)
            torch.ops.aten.threshold_backward.grad_input(back, hidden, 0, grad_input=back)
            torch.bmm(back, self._inputs[s].expand(members, -1, -1), out=self._g["w1"][s])
        torch.sum(dz, 3, out=self._g["b2"])
        torch.sum(self._back, 3, out=self._g["b1"])


def _whole_rows(inputs: Tensor) -> Tensor:
    """Return inputs ``[S, B, D]`` with samples of zeros appended until B is a multiple of 4.

    Rows ``[units, samples]`` of another length start at odd addresses, where BLAS rounds differently.
    """
    samples = inputs.shape[1]
    return functional.pad(inputs, (0, 0, 0, -samples % 4)) if samples % 4 else inputs


def _views(flat: Tensor, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    views, start = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        views[name] = flat[start : start + size].view(shape)
        start += size
    return views
