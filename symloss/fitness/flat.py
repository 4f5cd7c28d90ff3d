"""The parameters of many equal networks in one buffer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from symloss.errors import SymlossError

#: Parameters start at multiples of so many floats (64 bytes): BLAS rounds differently at other addresses.
_ALIGNMENT = 16
#: Networks fill whole vector registers: a fused optimiser rounds differently in a tail that does not.
_PADDING = 64


class FlatParameters:
    """S x K copies of a network's trainable parameters, network after network, and their gradients.

    Args:
        networks: one for each of S seeds, with the initial weights of its members; float32, equal in structure.
        members: K.
        device: where the buffers are.

    Attributes:
        values: ``[S * K * P]`` float32, P being the parameters of one network and padding.
        gradients: of the same shape, zero at first.

    Raises:
        SymlossError: a network has no trainable parameter, or one that is not float32.
    """

    def __init__(self, networks: Sequence[nn.Module], members: int, device: str | torch.device) -> None:
        self._places: dict[str, tuple[int, torch.Size]] = {}
        size = 0
        for name, parameter in networks[0].named_parameters():
            if not parameter.requires_grad:
                continue
            if parameter.dtype != torch.float32:
                raise SymlossError(
                    f"the network's parameter {name!r} is {parameter.dtype}; it must be torch.float32, "
                    "so call .float() on the network"
                )
            self._places[name] = (size, parameter.shape)
            size += _rounded(parameter.numel(), _ALIGNMENT)
        if not size:
            raise SymlossError("the network has no trainable parameters; give it at least one")
        shape = (len(networks), members, _rounded(size, _PADDING))
        values = torch.zeros(shape)
        for row, network in zip(values, networks, strict=True):
            found = dict(network.named_parameters())
            for name, (start, parameter_shape) in self._places.items():
                row[:, start : start + math.prod(parameter_shape)] = found[name].detach().reshape(-1)
        self.values = values.view(-1).to(device)
        self.gradients = torch.zeros_like(self.values)
        self._shape = shape

    @property
    def names(self) -> list[str]:
        """The names of the trainable parameters."""
        return list(self._places)

    def views(self, seed: int, *, gradients: bool = False) -> dict[str, Tensor]:
        """Return the parameters (or gradients) of a seed's members by name, each a view ``[K, *shape]``."""
        rows = (self.gradients if gradients else self.values).view(self._shape)[seed]
        return {
            name: rows[:, start : start + math.prod(shape)].unflatten(1, shape)
            if shape
            else rows[:, start]  # a parameter that is one number
            for name, (start, shape) in self._places.items()
        }

    def finite(self) -> Tensor:
        """Return ``[S, K]``: whether all of a network's parameters are finite."""
        return self.values.view(self._shape).isfinite().all(-1)


def evaluation_rows(device: str | torch.device) -> int:
    """Return how many samples modules evaluate at a time: what fits a CPU's cache, and more on a GPU."""
    return 256 if torch.device(device).type == "cpu" else 2048


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit
