"""A population as one stacked network: any module that ``torch.func.vmap`` takes, all members in one call.

Worth it where a step is bound by overhead rather than arithmetic: small networks, and GPUs. The gradient enters at the
logits, so no graph of any loss is built.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from symloss.fitness.flat import FlatParameters, evaluation_rows
from symloss.fitness.noise import network_noise
from symloss.fitness.precision import Precision

#: Networks in a stack on a CPU, always: a stacked kernel rounds by the number of networks.
WIDTH = 8
#: Samples must be a multiple of this on a CPU. Then stacked activations fill whole vector registers, twice 16 floats as
#: torch's loops take them; the rest that does not would belong to the last network and be rounded differently.
SAMPLES = 4

#: Samples x networks of one evaluation on other devices (and the fewest samples): cuDNN counts no more than 2**31
#: elements of an activation.
_EVALUATED, _LEAST_ROWS = 8192, 64

_Named = dict[str, Tensor]


class PopulationStacked:
    """S x K networks, stacked by seed. Buffers that training changes, as batch normalisation's, are each member's own.

    On a CPU a stack has always :data:`WIDTH` networks; those beyond K keep their initial weights.

    Args:
        networks: one for each of S seeds, with the initial weights of its members.
        seeds: their numbers, which key what they draw.
        members: K, on a CPU at most :data:`WIDTH`.
        draws: whether the network draws random numbers in training.
        precision: of its arithmetic.
        device: where the networks are.

    Other attributes and methods: see :class:`~symloss.fitness.network.Population`.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        seeds: Sequence[int],
        members: int,
        draws: bool,
        precision: Precision,
        device: str | torch.device,
    ) -> None:
        self._padded = torch.device(device).type == "cpu"
        width = WIDTH if self._padded else members
        assert members <= width
        self.least = members if self._padded else 1
        self.capturable = not draws
        self.rows = evaluation_rows(device)
        if not self._padded:
            self.rows = min(self.rows, max(_LEAST_ROWS, _EVALUATED // members))
        self._members, self._width = members, width
        self._seeds, self._draws, self._precision = list(seeds), draws, precision
        self._flat = FlatParameters(networks, width, device)
        self.parameters, self.gradients = self._flat.values, self._flat.gradients
        self._leaves = [
            {name: view.detach().requires_grad_() for name, view in self._flat.views(s).items()}
            for s in range(len(networks))
        ]
        self._slots = [list(self._flat.views(s, gradients=True).values()) for s in range(len(networks))]
        self._buffers = [
            {
                name: buffer.detach().to(device).expand(width, *buffer.shape).clone()
                for name, buffer in network.named_buffers()
            }
            for network in networks
        ]
        self._frozen = [
            {name: p.detach().to(device) for name, p in network.named_parameters() if not p.requires_grad}
            for network in networks
        ]
        # The module whose code runs, with other networks' values in the place of its own.
        self._template = networks[0].to(device)
        if precision.bfloat16:
            for module in self._template.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    # Stacked, it demands that its input and its statistics have one type.
                    module.register_forward_pre_hook(_in_float32)
        self._call = vmap(self._one, in_dims=(0, 0, None, None), randomness="same")
        self._outputs: list[Tensor] = []
        self._logits = torch.empty(0, device=device)

    def _one(self, parameters: _Named, buffers: _Named, frozen: _Named, inputs: Tensor) -> Tensor:
        output: Tensor = functional_call(self._template, (parameters, buffers, frozen), (inputs,))
        return output.float()

    def forward(self, inputs: Tensor, step: int) -> Tensor:
        self._template.train()
        self._outputs = []
        for s, (rows, seed) in enumerate(zip(inputs, self._seeds, strict=True)):
            noise = network_noise(seed, step, rows.device) if self._draws else nullcontext()
            with torch.enable_grad(), self._precision.context(), noise:
                self._outputs.append(self._call(self._leaves[s], self._buffers[s], self._frozen[s], rows))
        _, samples, classes = self._outputs[0].shape
        if self._logits.shape[2:] != (classes, samples):
            self._logits = torch.empty(len(self._outputs), self._members, classes, samples, device=inputs.device)
        for logits, output in zip(self._logits, self._outputs, strict=True):
            logits.copy_(output.detach()[: self._members].transpose(1, 2))
        return self._logits.transpose(2, 3)

    def backward(self, gradient: Tensor) -> None:
        for s, output in enumerate(self._outputs):
            # Always in the same layout: sums round by the order of memory.
            dz = torch.zeros(output.shape, device=output.device)
            dz[: self._members] = gradient[s]
            found = torch.autograd.grad(output, list(self._leaves[s].values()), dz, allow_unused=True)
            for slot, value in zip(self._slots[s], found, strict=True):
                if value is not None:  # a parameter that this network does not use keeps a gradient of zero
                    slot.copy_(value)
        self._outputs = []

    def evaluate(self, seed: int, inputs: Tensor, members: slice) -> Tensor:
        self._template.eval()
        computed, returned = (slice(None), members) if self._padded else (members, slice(None))
        leaves, buffers = (
            {name: stack[computed] for name, stack in stacks[seed].items()} for stacks in (self._leaves, self._buffers)
        )
        samples = len(inputs)
        if self._padded and samples % SAMPLES:
            inputs = torch.cat([inputs, inputs.new_zeros(-samples % SAMPLES, *inputs.shape[1:])])
        with torch.no_grad(), self._precision.context():
            return self._call(leaves, buffers, self._frozen[seed], inputs)[: self._members, :samples][returned]

    def finite(self) -> Tensor:
        return self._flat.finite()[:, : self._members]

    def weights(self, seed: int, member: int) -> dict[str, Tensor]:
        return {name: stack[member].clone() for name, stack in self._flat.views(seed).items()}

    def buffers(self, seed: int, member: int) -> dict[str, Tensor]:
        return {name: stack[member].clone() for name, stack in self._buffers[seed].items()}


def _in_float32(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(values.float() for values in inputs)
