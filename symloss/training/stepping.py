"""One network in training: its steps, whichever way a batch is cut over processes and passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from symloss import models
from symloss.codegen import Loss
from symloss.codegen.gradients import scale_of
from symloss.errors import SymlossError
from symloss.formula import Formula
from symloss.losses import CatalogueLoss, build
from symloss.models import outputs_of
from symloss.runtime import keyed_seed
from symloss.tasks.optimisers import torch_optimiser
from symloss.training.loading import Piece
from symloss.training.recipe import Recipe

if TYPE_CHECKING:
    from lightning.fabric import Fabric


class Stepper:
    """A network with its loss and its optimiser.

    The loss of a batch is the sum over its samples, or the pixels that count, divided by their number in the whole
    batch, over all processes and passes. So it does not depend on how the batch is cut, unless BatchNorm does: that
    has the statistics of a pass, on GPUs of the passes of all processes.

    Args:
        recipe: the settings.
        loss: what to train with.
        seed: of the initial weights and of dropout.
        fabric: the processes.
        shape: of an image, ``(C, H, W)``.
        classes: the number of classes.
        ignore_index: the value of mask pixels that count nowhere; -100 for classification.

    Attributes:
        network: the network itself.
        scale: what the loss is multiplied by.

    Raises:
        SymlossError: the model does not suit the images, or the loss has no gradient at uniform p.
    """

    def __init__(
        self,
        recipe: Recipe,
        loss: Formula | CatalogueLoss,
        seed: int,
        fabric: Fabric,
        shape: tuple[int, int, int],
        classes: int,
        ignore_index: int,
    ) -> None:
        device = fabric.device
        self.scale = 1.0 if recipe.raw else scale_of(loss, classes)
        self._criterion = _summed(loss, ignore_index).to(device)
        self._ignore, self._classes, self._segments = ignore_index, classes, recipe.task == "segmentation"
        self._seed, self._fabric = seed, fabric
        network = models.build(recipe.model, shape, classes, seed, recipe.hidden)
        if fabric.world_size > 1 and device.type == "cuda":
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
        # Tensor cores read half-precision images channels last.
        self._last = device.type == "cuda" and recipe.precision != "float32"
        network = network.to(device)
        if self._last:
            network = network.to(memory_format=torch.channels_last)
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        if not trained:
            raise SymlossError(f"the model {recipe.model!r} has no parameter that is trained; one must be")
        fused = {"fused": True} if device.type in ("cpu", "cuda") else {}
        self._optimiser = torch_optimiser(recipe, trained, **fused)
        self.network: nn.Module = network
        self._wrapped, self._steps = fabric.setup(network, self._optimiser)

    def step(self, pieces: Sequence[Piece], count: int | None, step: int, rate: float) -> tuple[Tensor, Tensor | int]:
        """Take one step.

        Args:
            pieces: this process's part of the batch, a piece for each pass: images ``[B, C, H, W]`` float32 and labels.
            count: the samples of the whole batch, where all count; None where that has to be seen.
            step: from 0, over all epochs.
            rate: the step size.

        Returns:
            The loss summed over the whole batch, as it was trained with, and the number of samples that count.
        """
        fabric, processes = self._fabric, self._fabric.world_size
        counted: Tensor | int
        if count is None:
            found = torch.stack([(target != self._ignore).sum() for _, target in pieces]).sum()
            counted = self._over_processes(found).clamp(min=1)
        else:
            counted = count
        # DistributedDataParallel takes the mean over processes of what is to be a sum.
        factor = self.scale * processes / counted
        total = torch.zeros((), device=fabric.device)
        for place, (images, target) in enumerate(pieces):
            self._seed_dropout(step, place * processes + fabric.global_rank)
            with self._unsynced(place + 1 < len(pieces)):
                loss = self._loss(images, target)
                fabric.backward(loss * factor)
            total += loss.detach()
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._steps.step()
        self._steps.zero_grad()
        return self._over_processes(total) * self.scale, counted

    def logits(self, network: nn.Module, images: Tensor) -> Tensor:
        """Return the logits of a network like this one's, as float32."""
        with self._fabric.autocast():
            return outputs_of(network(self._laid_out(images))).logits.float()

    def finite(self) -> bool:
        """Return whether all parameters are finite."""
        return all(bool(parameter.isfinite().all()) for parameter in self.network.parameters())

    def share_buffers(self) -> None:
        """Give all processes the first one's running statistics, as every pass of training does."""
        if self._fabric.world_size > 1:
            for buffer in self.network.buffers():
                torch.distributed.broadcast(buffer, 0)

    def state(self) -> dict[str, object]:
        """Return what :meth:`restore` takes."""
        precision = self._fabric.strategy.precision.state_dict()
        return {
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "precision": precision,
        }

    def restore(self, state: dict[str, dict[str, object]]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        if state["precision"]:
            self._fabric.strategy.precision.load_state_dict(state["precision"])

    def _loss(self, images: Tensor, target: Tensor) -> Tensor:
        """Return the sum over samples, that of the auxiliary head included."""
        outputs = outputs_of(self._wrapped(self._laid_out(images)))
        wanted = (len(images), self._classes, *(images.shape[2:] if self._segments else ()))
        if outputs.logits.shape != wanted:
            raise SymlossError(
                f"the network returned logits of shape {list(outputs.logits.shape)} for images of shape "
                f"{list(images.shape)}; they must have the shape {list(wanted)}"
            )
        loss: Tensor = self._criterion(outputs.logits, target)
        if outputs.aux is not None:
            loss = loss + outputs.aux_weight * self._criterion(outputs.aux, target)
        return loss

    def _seed_dropout(self, step: int, piece: int) -> None:
        """Seed this device's generator alone: ``torch.manual_seed`` queues calls for GPUs that are not used."""
        seed = keyed_seed("dropout", self._seed, step, piece)
        if self._fabric.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        elif self._fabric.device.type == "mps":
            torch.mps.manual_seed(seed)
        else:
            torch.default_generator.manual_seed(seed)

    def _laid_out(self, images: Tensor) -> Tensor:
        return images.contiguous(memory_format=torch.channels_last) if self._last else images

    def _unsynced(self, enabled: bool) -> AbstractContextManager[object]:
        if self._fabric.world_size == 1 or not enabled:
            return nullcontext()
        return self._fabric.no_backward_sync(self._wrapped)

    def _over_processes(self, value: Tensor) -> Tensor:
        if self._fabric.world_size == 1:
            return value
        torch.distributed.all_reduce(value)
        return value


def _summed(loss: Formula | CatalogueLoss, ignore_index: int) -> nn.Module:
    """Return a loss as a module that sums over samples."""
    options = {"reduction": "sum", "ignore_index": ignore_index}
    make: Callable[..., nn.Module] = Loss if isinstance(loss, Formula) else build
    return make(loss, **options)
