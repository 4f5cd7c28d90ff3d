"""The metrics of networks on a part of the data, read once, by one process or by several."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from symloss.runtime import Stopping
from symloss.training.loading import Batches
from symloss.training.parts import Part
from symloss.training.recipe import Recipe
from symloss.training.scores import Scores
from symloss.training.stepping import Stepper

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class Evaluator:
    """Scores networks between the steps of a training.

    Args:
        recipe: of the training.
        fabric: the processes; each reads its own share of a part.
        stepper: of the training, for its precision and its buffers.
        normalise: from pixels to a network's inputs.
        classes: the number of classes C.
        ignore: the target that does not count.
        stopping: asked between two pieces.
    """

    def __init__(
        self,
        recipe: Recipe,
        fabric: Fabric,
        stepper: Stepper,
        normalise: Callable[[Tensor], Tensor],
        classes: int,
        ignore: int,
        stopping: Stopping,
    ) -> None:
        self._recipe, self._fabric, self._stepper, self._normalise = recipe, fabric, stepper, normalise
        self._classes, self._ignore, self._stopping = classes, ignore, stopping

    @torch.no_grad()
    def __call__(self, data: Batches, name: str, part: Part, networks: list[nn.Module]) -> list[dict[str, float]]:
        """Return the metrics of some networks on a part, which is read once for all.

        Args:
            data: what reads the part.
            name: the part's in ``data``.
            part: its images.
            networks: in training mode before and after.
        """
        fabric, recipe = self._fabric, self._recipe
        rows = max(1, 2 * recipe.batch // (fabric.world_size * recipe.accumulate))
        own = np.arange(fabric.global_rank, len(part), fabric.world_size)
        most = -(-len(range(0, len(part), fabric.world_size)) // rows)
        pieces = [own[start : start + rows] for start in range(0, len(own), rows)] or [np.zeros(1, np.int64)]
        double = fabric.device.type != "mps"
        scores = [Scores(recipe.metrics, self._classes, self._ignore, double).to(fabric.device) for _ in networks]
        self._stepper.share_buffers()
        for network in networks:
            network.eval()
        for images, target in data.read(name, pieces, None):
            images = self._normalise(images)
            if not len(own):
                target = torch.full_like(target, self._ignore)
            for network, score in zip(networks, scores, strict=True):
                score.update(self._stepper.logits(network, images), target)
            self._stopping.check()
        if len(pieces) < most:  # as often as the first process, which has the most pieces
            self._stopping.check()
        for network in networks:
            network.train()
        return [score.compute() for score in scores]
