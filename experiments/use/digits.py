"""What the examples beside this file share: handwritten digits, and an exported loss from its path."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import TensorDataset


def digits() -> tuple[TensorDataset, TensorDataset]:
    """Return scikit-learn's handwritten digits, 1347 to train and 450 to test: images [1, 8, 8] and labels 0 to 9."""
    data = load_digits()
    images = torch.tensor(data.images / 16, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(data.target)
    train, test = train_test_split(torch.arange(len(labels)), test_size=450, stratify=data.target, random_state=0)
    return TensorDataset(images[train], labels[train]), TensorDataset(images[test], labels[test])


def load_loss(path: str | Path) -> type[nn.Module]:
    """Return the loss class of an exported file.

    In your own project the file lies beside your code, and ``from my_loss import NglLoss`` does this.

    Raises:
        argparse.ArgumentTypeError: no such file, or one that is not an exported loss.
    """
    path = Path(path)
    hint = "write one with: symloss export ngl --to torch -o my_loss.py"
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{str(path)!r} is not a file; {hint}")
    spec = importlib.util.spec_from_file_location("exported_loss", path)
    if spec is None or spec.loader is None:
        raise argparse.ArgumentTypeError(f"{str(path)!r} is not a Python file; {hint}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise argparse.ArgumentTypeError(f"{str(path)!r} cannot be imported ({error!r}); {hint}") from error
    sys.modules[spec.name] = module  # where pickle looks when a model that holds the loss is saved
    own = [value for value in vars(module).values() if getattr(value, "__module__", None) == spec.name]
    modules = [value for value in own if isinstance(value, type) and issubclass(value, nn.Module)]
    losses = [value for value in modules if not value.__subclasses__()]  # the others are the loss's own bases
    if len(losses) != 1:
        raise argparse.ArgumentTypeError(f"{str(path)!r} has {len(losses)} losses instead of one; {hint}")
    return losses[0]


def arguments(description: str | None, steps: int) -> argparse.ArgumentParser:
    """Return a parser of the examples' common arguments: an exported loss and the number of steps."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loss", nargs="?", type=load_loss, help="an exported file; without one, NGL is exported first")
    parser.add_argument("--steps", type=_positive, default=steps, help="optimizer steps (default: %(default)s)")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line; ``loss`` becomes a class. A path that is no exported loss ends with exit code 2."""
    options = parser.parse_args()
    # Networks this small gain nothing from more threads, and on a busy machine threads that wait for each other crawl.
    torch.set_num_threads(1)
    if options.loss is None:
        options.loss = _export_ngl()
    return options


def report(options: argparse.Namespace, accuracy: float, seconds: float) -> None:
    """Print the result in one line."""
    name = options.loss.__name__
    print(f"{name}: test accuracy {100 * accuracy:.1f} % after {options.steps} steps in {seconds:.1f} s")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _export_ngl() -> type[nn.Module]:
    from symloss.codegen import export_torch  # imported here: with a file at hand, no example needs symloss
    from symloss.losses import find

    ngl = find("ngl")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ngl.py"
        path.write_text(export_torch(ngl.formula, name="ngl", class_reduction=ngl.class_reduction), encoding="utf-8")
        return load_loss(path)
