"""A discovered loss in a LightningModule: a two-layer network on handwritten digits.

pip install lightning
symloss export ngl --to torch -o my_loss.py
python experiments/use/lightning_module.py my_loss.py [--steps 400]
"""

from __future__ import annotations

import logging
import time
import warnings

import lightning
import torch
from digits import arguments, digits, parse, report
from torch import Tensor, nn
from torch.utils.data import DataLoader


class Classifier(lightning.LightningModule):
    """A network and its loss. The loss is a submodule, so it moves between devices with the network."""

    def __init__(self, criterion: nn.Module) -> None:
        super().__init__()
        self.criterion = criterion
        self.network = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))

    def training_step(self, batch: list[Tensor], batch_index: int) -> Tensor:
        """Return the loss of a batch of images and labels."""
        images, labels = batch
        loss = self.criterion(self.network(images), labels)
        self.log("train_loss", loss)
        return loss

    def test_step(self, batch: list[Tensor], batch_index: int) -> None:
        """Log the accuracy of a batch; Lightning weights batches by their size."""
        images, labels = batch
        self.log("test_accuracy", (self.network(images).argmax(dim=1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer: Adam, whose steps do not depend on the size of a loss's gradients."""
        return torch.optim.Adam(self.parameters(), lr=3e-3)


def main() -> None:
    """Train, test and print one line."""
    options = parse(arguments(__doc__, steps=400))
    # The data is in memory, so more workers would only cost time. The second is between Lightning and recent PyTorch.
    warnings.filterwarnings("ignore", message=".*does not have many workers")
    warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)

    lightning.seed_everything(0, verbose=False)
    train, test = digits()
    model = Classifier(options.loss())  # in your project: from my_loss import NglLoss; Classifier(NglLoss())
    trainer = lightning.Trainer(
        max_steps=options.steps,
        max_epochs=-1,  # only the steps end the training
        accelerator="cpu",
        # Nothing is left behind in the working directory.
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    start = time.perf_counter()
    trainer.fit(model, DataLoader(train, batch_size=64, shuffle=True))
    seconds = time.perf_counter() - start
    (metrics,) = trainer.test(model, DataLoader(test, batch_size=len(test)), verbose=False)
    report(options, metrics["test_accuracy"], seconds)


if __name__ == "__main__":
    main()
