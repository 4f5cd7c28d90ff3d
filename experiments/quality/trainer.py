"""Cross-entropy on Fashion-MNIST by ``symloss.training`` and by a plain PyTorch script with the same network.

The plain way is what a tutorial shows: ``torchvision.transforms.v2``, ``DataLoader``, ``nn.CrossEntropyLoss``, torch's
optimiser and a ``LambdaLR``, with its own split, order and weights for each seed. So scores agree in distribution and
not seed by seed. Both are trained in turns, seed after seed.

    python experiments/quality/trainer.py --seeds 3
"""

from __future__ import annotations

import argparse
import math
import platform
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from symloss import models
from symloss.data import source_of
from symloss.losses import find
from symloss.training import Recipe, fit


class Clothes(Dataset):
    """Images and labels, transformed one by one."""

    def __init__(self, images: list, labels: np.ndarray, transform: v2.Transform) -> None:
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def plain(recipe: Recipe, seed: int, device: str, workers: int) -> tuple[float, float]:
    """Return the test accuracy after the last epoch, and the seconds of training."""
    train, test = source_of(recipe.dataset).open("train"), source_of(recipe.dataset).open("test")
    pixels = np.asarray(train.pixels) / 255
    ready = [
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([pixels.mean()], [pixels.std()]),
    ]
    changed = v2.Compose([v2.RandomHorizontalFlip(), *ready] if recipe.augment == "flip" else ready)
    torch.manual_seed(1000 + seed)
    kept = torch.randperm(len(train))[round(recipe.validation * len(train)) :].tolist()
    images = [train[index][0] for index in kept]
    loader = DataLoader(
        Clothes(images, train.labels[kept], changed),
        recipe.batch,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    network = models.build(recipe.model, (1, 28, 28), 10, 1000 + seed, recipe.hidden).to(device)
    criterion = nn.CrossEntropyLoss()
    optimiser = torch.optim.SGD(
        network.parameters(), recipe.lr, recipe.momentum, weight_decay=recipe.weight_decay, fused=True
    )
    total = recipe.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: (1 + math.cos(math.pi * step / total)) / 2)
    started = time.perf_counter()
    for _ in range(recipe.epochs):
        for inputs, labels in loader:
            loss = criterion(network(inputs.to(device)), labels.to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    seconds = time.perf_counter() - started
    network.eval()
    right = 0
    with torch.no_grad():
        images = [image for image, _ in test]
        for inputs, labels in DataLoader(Clothes(images, test.labels, v2.Compose(ready)), 512):
            right += int((network(inputs.to(device)).argmax(1).cpu() == labels).sum())
    return right / len(test), seconds


def main() -> None:
    """Train both ways and print means, spreads and seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--model", default="cnn")
    parser.add_argument("--augment", default="flip", choices=["none", "flip"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=0, help="of the plain way's DataLoader")
    options = parser.parse_args()
    recipe = Recipe("fashion-mnist", options.model, epochs=options.epochs, batch=128, lr=0.05, augment=options.augment)
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, device {options.device}; torch {torch.__version__}; "
        f"{recipe.model}, {recipe.epochs} epochs of 54,000 images, batch {recipe.batch}, augment {recipe.augment}"
    )
    found: dict[str, list[tuple[float, float]]] = {"symloss.training": [], "plain": []}
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            result = fit(recipe, find("ce"), seed, Path(folder), device=options.device)
        spent = result.images["train"] * recipe.epochs / result.images_per_second
        found["symloss.training"].append((result.last.test["accuracy"], spent))
        found["plain"].append(plain(recipe, seed, options.device, options.workers))
        print(
            f"seed {seed}: " + ", ".join(f"{name} {100 * rows[-1][0]:.2f}" for name, rows in found.items()), flush=True
        )
    for name, rows in found.items():
        scores, seconds = np.array(rows).T
        spread = 100 * scores.std(ddof=1) if len(scores) > 1 else math.nan
        print(
            f"{name}: test accuracy {100 * scores.mean():.2f} +- {spread:.2f} (n = {len(scores)}), "
            f"{seconds.mean():.1f} s of training"
        )
    if options.seeds > 1:
        ours, theirs = (np.array(rows)[:, 0] for rows in found.values())
        p = stats.ttest_ind(ours, theirs, equal_var=False).pvalue
        print(f"difference {100 * (ours.mean() - theirs.mean()):+.2f}, Welch's p {p:.2f}")


if __name__ == "__main__":
    main()
