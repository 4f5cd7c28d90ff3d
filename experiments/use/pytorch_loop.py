"""A discovered loss in a plain PyTorch loop: a small convolutional network on handwritten digits.

    symloss export ngl --to torch -o my_loss.py
    python experiments/use/pytorch_loop.py my_loss.py [--steps 300] [--compile]

The exported file takes the place of `torch.nn.CrossEntropyLoss()`; nothing else in the loop is about it.
"""

from __future__ import annotations

import itertools
import time

import torch
from digits import arguments, digits, parse, report
from torch import nn
from torch.utils.data import DataLoader


def network() -> nn.Module:
    """Return a network from images [N, 1, 8, 8] to logits [N, 10]. It ends with logits: the loss has the softmax."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )


def main() -> None:
    """Train, test and print one line."""
    parser = arguments(__doc__, steps=300)
    parser.add_argument("--compile", action="store_true", help="put the loss through torch.compile")
    options = parse(parser)

    torch.manual_seed(0)
    train, test = digits()
    loader = DataLoader(train, batch_size=64, shuffle=True)
    model = network()
    criterion = options.loss()  # in your project: from my_loss import NglLoss; criterion = NglLoss()
    if options.compile:
        # The loss compiles as one graph, alone as here or in one function with the model. The first step then waits
        # for the compiler.
        criterion = torch.compile(criterion, fullgraph=True)
    # Losses differ in the size of their gradients. Adam's steps do not depend on it; with SGD, tune the learning rate.
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    start = time.perf_counter()
    epochs = itertools.chain.from_iterable(itertools.repeat(loader))
    for images, labels in itertools.islice(epochs, options.steps):
        loss = criterion(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    seconds = time.perf_counter() - start

    model.eval()
    images, labels = test.tensors
    with torch.no_grad():
        accuracy = (model(images).argmax(dim=1) == labels).float().mean().item()
    report(options, accuracy, seconds)


if __name__ == "__main__":
    main()
