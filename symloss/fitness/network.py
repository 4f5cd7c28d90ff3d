"""What training asks of a population of networks, whatever computes it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Population(Protocol):
    """S x K networks, S seeds with K members each; in one seed all start from the same weights.

    Attributes:
        parameters: every trainable parameter, flat ``[P]`` float32: an optimiser passes over all networks at once.
        gradients: their gradients, in the same order, filled by :meth:`backward`.
        least: members are evaluated in groups of at least so many (unless there are fewer).
        rows: samples in one batch of an evaluation.
        capturable: whether a training step always runs the same kernels on the same memory, as a CUDA graph needs.
    """

    parameters: Tensor
    gradients: Tensor
    least: int
    rows: int
    capturable: bool

    def forward(self, inputs: Tensor, step: int) -> Tensor:
        """Return the logits ``[S, K, B, C]`` float32 of inputs ``[S, B, *shape]`` in training.

        They are a view of a contiguous ``[S, K, C, B]`` buffer that the next call reuses. Networks that draw random
        numbers, such as dropout's, draw the same for all members of a seed, from a generator keyed by seed and step.
        """

    def backward(self, gradient: Tensor) -> None:
        """Fill :attr:`gradients` from dz ``[S, K, B, C]`` at the logits of the last :meth:`forward`."""

    def evaluate(self, seed: int, inputs: Tensor, members: slice) -> Tensor:
        """Return the logits ``[k, B, C]`` of some members of seed number ``seed`` for inputs ``[B, *shape]``.

        Nothing changes: batch normalisation reads its running statistics, dropout drops nothing.
        """

    def finite(self) -> Tensor:
        """Return ``[S, K]`` bool: whether all of a network's parameters are finite."""

    def weights(self, seed: int, member: int) -> dict[str, Tensor]:
        """Return copies of one network's trainable parameters by name."""

    def buffers(self, seed: int, member: int) -> dict[str, Tensor]:
        """Return copies of one network's buffers by name, such as batch normalisation's running statistics."""
