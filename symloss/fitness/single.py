"""A population as separate modules: any network that trains in PyTorch, one after another.

No stacking, so nothing is asked of the network, and no overhead either: parameters are views into one buffer that the
optimiser passes over once, and the gradient enters at the logits, so no graph of any loss is built.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from symloss.fitness.flat import FlatParameters, evaluation_rows
from symloss.fitness.noise import network_noise
from symloss.fitness.precision import Precision


class PopulationSingle:
    """S x K modules.

    Args:
        networks: one for each of S seeds, with the initial weights of its members.
        seeds: their numbers, which key what they draw.
        members: K.
        draws: whether the network draws random numbers in training.
        precision: of its arithmetic.
        device: where the networks are.

    Other attributes and methods: see :class:`~symloss.fitness.network.Population`.
    """

    least = 1

    def __init__(
        self,
        networks: Sequence[nn.Module],
        seeds: Sequence[int],
        members: int,
        draws: bool,
        precision: Precision,
        device: str | torch.device,
    ) -> None:
        self._flat = FlatParameters(networks, members, device)
        self.parameters, self.gradients = self._flat.values, self._flat.gradients
        self.capturable, self.rows = not draws, evaluation_rows(device)
        self._seeds, self._draws, self._precision = list(seeds), draws, precision
        self._modules = [[copy.deepcopy(network).to(device).train() for _ in range(members)] for network in networks]
        #: For each network its parameters, and where their gradients go.
        self._pairs: list[list[tuple[list[Tensor], list[Tensor]]]] = []
        for s, modules in enumerate(self._modules):
            values, gradients = self._flat.views(s), self._flat.views(s, gradients=True)
            pairs: list[tuple[list[Tensor], list[Tensor]]] = []
            for k, module in enumerate(modules):
                own = {name: p for name, p in module.named_parameters() if name in values}
                for name, parameter in own.items():
                    parameter.data = values[name][k]
                pairs.append((list(own.values()), [gradients[name][k] for name in own]))
            self._pairs.append(pairs)
        self._outputs: list[list[Tensor]] = []
        self._logits = torch.empty(0, device=device)

    def forward(self, inputs: Tensor, step: int) -> Tensor:
        self._outputs = [[] for _ in self._modules]
        for modules, outputs, rows, seed in zip(self._modules, self._outputs, inputs, self._seeds, strict=True):
            for module in modules:
                noise = network_noise(seed, step, rows.device) if self._draws else nullcontext()
                with torch.enable_grad(), self._precision.context(), noise:
                    outputs.append(module(rows).float())
        samples, classes = self._outputs[0][0].shape
        if self._logits.shape[2:] != (classes, samples):
            shape = (len(self._modules), len(self._modules[0]), classes, samples)
            self._logits = torch.empty(shape, device=inputs.device)
        for s, outputs in enumerate(self._outputs):
            for k, output in enumerate(outputs):
                self._logits[s, k].copy_(output.detach().T)
        return self._logits.transpose(2, 3)

    def backward(self, gradient: Tensor) -> None:
        gradient = gradient.contiguous()  # always in the same layout: sums round by the order of memory
        for s, outputs in enumerate(self._outputs):
            for k in reversed(range(len(outputs))):  # the last one's activations are still in the cache
                parameters, slots = self._pairs[s][k]
                found = torch.autograd.grad(outputs.pop(), parameters, gradient[s, k], allow_unused=True)
                for slot, value in zip(slots, found, strict=True):
                    if value is not None:  # a parameter that this network does not use keeps a gradient of zero
                        slot.copy_(value)

    def evaluate(self, seed: int, inputs: Tensor, members: slice) -> Tensor:
        found = []
        for module in self._modules[seed][members]:
            module.eval()
            with torch.no_grad(), self._precision.context():
                found.append(module(inputs).float())
            module.train()
        return torch.stack(found)

    def finite(self) -> Tensor:
        return self._flat.finite()

    def weights(self, seed: int, member: int) -> dict[str, Tensor]:
        return {name: view[member].clone() for name, view in self._flat.views(seed).items()}

    def buffers(self, seed: int, member: int) -> dict[str, Tensor]:
        return {name: buffer.clone() for name, buffer in self._modules[seed][member].named_buffers()}
