"""Training steps as CUDA graphs: for small networks a GPU waits for Python, and a graph is launched without it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: Steps taken before the capture: they allocate what later ones reuse, and let libraries choose their kernels.
_EAGER = 3


class StepRunner:
    """Calls a training step; on CUDA it is captured once and then replayed.

    Args:
        step: ``(order [S, B], target [S, B]) -> None``. It must read nothing else that changes, but memory that keeps
            its place.
        capture: whether to try. If the capture fails, steps run as they are.

    Attributes:
        obstacle: why there is no graph although one was asked for; None if there is or will be one.
    """

    def __init__(self, step: Callable[[Tensor, Tensor], None], capture: bool) -> None:
        self._step = step
        self._left = _EAGER if capture else -1
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, Tensor] | None = None
        self._stream: torch.cuda.Stream | None = None
        self.obstacle: str | None = None

    def __call__(self, order: Tensor, target: Tensor) -> None:
        """Take one step."""
        if self._left == 0 and self._graph is None:
            self._capture(order, target)
        if self._graph is not None and self._inputs is not None:
            self._inputs[0].copy_(order)
            self._inputs[1].copy_(target)
            self._graph.replay()
        elif self._left > 0:
            self._left -= 1
            self._aside(order, target)
        else:
            self._step(order, target)

    def _aside(self, order: Tensor, target: Tensor) -> None:
        """Take a step on another stream, as torch asks for before a capture."""
        stream = self._stream = self._stream or torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._step(order, target)
        torch.cuda.current_stream().wait_stream(stream)

    def _capture(self, order: Tensor, target: Tensor) -> None:
        self._left = -1
        inputs = (order.clone(), target.clone())
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):  # records and does not run
                self._step(*inputs)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # whatever a loss or a network does that no graph can hold
            self.obstacle = f"{type(error).__name__}: {error}"
            torch.cuda.synchronize()
        else:
            self._graph, self._inputs = graph, inputs
