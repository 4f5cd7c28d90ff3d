"""What the NGL experiments cost at full size: FLOPs counted, hours estimated from them, and a step measured here.

    python experiments/ngl/cost.py                                    # all: GPU-hours from counted FLOPs
    python experiments/ngl/cost.py experiments/ngl/voc.yaml --step 2  # and a training step of 2 images measured here

The FLOPs of one image, forward and forward with backward, are those that torch counts in convolutions and products of
matrices (``torch.utils.flop_counter``; an addition and a multiplication are two). They are multiplied by all images of
all epochs, losses and seeds, validation and test included, and divided by what a GPU is assumed to sustain: 50
TFLOP/s, a twentieth of what an NVIDIA H100 (SXM) has in bfloat16 at most. That is an assumption, and what reads images
and writes weights is not counted; --step says what the device here needs for the same.

A search's number of trainings depends on the noise that it measures, so its cost is a range: from one seed on the first
rung and 10 on the last, to four and 30 and a play-off with 100.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from symloss import models
from symloss.benchmark import load_config
from symloss.data import SOURCES, Source
from symloss.errors import SymlossError
from symloss.runtime import choose_device
from symloss.search import SearchConfig
from symloss.training import Recipe

#: FLOP/s that one GPU is assumed to sustain.
SUSTAINED = 50e12
HERE = Path(__file__).resolve().parent
_TEST_SHARE, _FOLDS, _NOISE_SEEDS, _FINALISTS, _DISCOVERED = 0.25, 5, 15, 24, 8


@dataclass(frozen=True)
class Work:
    """Images that one network sees.

    Attributes:
        title: of the task, for people.
        model, shape, classes, task: the network, one of its images (C, H, W), the classes, and what it does.
        trained, evaluated: images forward and backward, and forward alone: over all trainings, at least and at most.
    """

    title: str
    model: str
    shape: tuple[int, int, int]
    classes: int
    trained: tuple[float, float]
    evaluated: tuple[float, float]


def works_of(path: Path) -> list[Work]:
    """Return what a configuration trains at full size; no data are read.

    Raises:
        SymlossError: the file is no configuration.
    """
    content = yaml.safe_load(path.read_text())
    return [_search(content)] if "grammar" in content else list(_benchmark(path))


def _benchmark(path: Path) -> Iterator[Work]:
    config = load_config(path)
    runs = len(config.contenders) * config.seeds
    for experiment in config.experiments:
        recipe = experiment.settings
        assert isinstance(recipe, Recipe)
        source = SOURCES[recipe.dataset]
        train, validation, test = _parts(source, recipe.validation)
        size = recipe.size or source.shape[1:]  # type: ignore[index]  # the recipe has a size where the images have none
        assert isinstance(size, tuple)
        channels = source.shape[0] if source.shape else 3
        trained = float(runs * recipe.epochs * train)
        evaluated = float(runs * (recipe.epochs * validation + 2 * test))  # the best epoch and the last are tested
        yield Work(experiment.title, recipe.model, (channels, *size), source.classes, (trained,) * 2, (evaluated,) * 2)


def _parts(source: Source, share: float) -> tuple[float, float, float]:
    """Return how many images are trained on, validated on and tested, as symloss.training deals them."""
    pool = source.sizes["train"]
    test = source.sizes.get("test") or source.sizes.get("val")
    if test is None:
        test = round(_TEST_SHARE * pool)
        pool -= test
    held = 0 if {"val", "test"} <= {*source.sizes} else round(share * pool)
    return pool - held, held or source.sizes["val"], test


def _search(options: dict[str, object]) -> Work:
    source, steps, batch = SOURCES[str(options["dataset"])], int(str(options["steps"])), int(str(options["batch"]))
    baselines, audit, budget = options["baselines"], int(str(options["seeds"])), int(str(options["budget"]))
    assert isinstance(baselines, list)
    assert source.shape is not None
    config = SearchConfig(budget=budget, baselines=tuple(map(str, baselines)), audit_seeds=audit)
    done = []
    for repeats, last, playoff in ((1, 10, 0), (4, 30, 100)):
        # Networks, and networks times steps.
        networks, work = float(_NOISE_SEEDS), float(_NOISE_SEEDS * steps)
        climbing = float(budget)
        ladder = config.ladder(steps, repeats)
        for rung, keep in zip(ladder.rungs, (*ladder.keep, 0.0), strict=True):
            here = len(rung.seeds) * (climbing + len(baselines))
            networks, work, climbing = networks + here, work + here * rung.steps, climbing * keep
        finals = last * (_FINALISTS + len(baselines)) + playoff * (_FINALISTS // 4 + len(baselines))
        finals += audit * (_DISCOVERED + len(baselines))
        done.append((networks + finals, work + finals * steps))
    validation = source.sizes["train"] / _FOLDS
    trained, evaluated = [tuple(found) for found in zip(*((w * batch, n * validation) for n, w in done), strict=True)]
    title = f"{source.name}, {options['model']}"
    assert len(trained) == len(evaluated) == 2
    return Work(title, str(options["model"]), source.shape, source.classes, trained, evaluated)


def loss_of(logits: object) -> torch.Tensor:
    """Return something to go back from."""
    assert isinstance(logits, torch.Tensor)
    return logits.float().log_softmax(1).mean()


def counted(work: Work) -> tuple[float, float]:
    """Return the FLOPs of an image, forward alone and with backward. Nothing is computed for it."""
    network = models.build(work.model, work.shape, work.classes, 0).to("meta")
    images = torch.zeros(2, *work.shape, device="meta")
    with FlopCounterMode(display=False) as forward:
        loss = loss_of(network(images))
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    return forward.get_total_flops() / 2, (forward.get_total_flops() + backward.get_total_flops()) / 2


def measured(work: Work, device: torch.device, batch: int, repeats: int = 3) -> float:
    """Return the seconds that a training step takes for an image: the median of some steps after the first."""
    network = models.build(work.model, work.shape, work.classes, 0).to(device)
    images = torch.randn(batch, *work.shape, device=device)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    seconds = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        step(network, images, optimiser, device)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:]) / batch


def step(network: nn.Module, images: torch.Tensor, optimiser: torch.optim.Optimizer, device: torch.device) -> None:
    """Train a step, in bfloat16 on a GPU, and wait for it."""
    optimiser.zero_grad()
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        loss = loss_of(network(images))
    loss.backward()
    optimiser.step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def told(low: float, high: float) -> str:
    """Return a number in two digits or more, or a range of such."""
    texts = [f"{number:,.0f}" if number >= 10 else f"{number:.2g}" for number in (low, high)]
    return " to ".join(dict.fromkeys(texts))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", help="configurations; all of this folder by default")
    parser.add_argument("--step", type=int, metavar="IMAGES", help="measure a training step of so many images here")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    given = parser.parse_args(arguments)
    files = given.files or [path for path in sorted(HERE.glob("*.yaml")) if path.name != "published.yaml"]
    try:
        device = choose_device(given.device)
        for path in files:
            total = [0.0, 0.0]
            print(path.name)
            for work in works_of(path):
                forward, both = counted(work)
                flops = [both * work.trained[end] + forward * work.evaluated[end] for end in (0, 1)]
                total = [known + more / SUSTAINED / 3600 for known, more in zip(total, flops, strict=True)]
                line = f"  {work.title}: {both / 1e9:.1f} GFLOP an image, {told(*(n / 1e18 for n in flops))} EFLOP"
                if given.step:
                    seconds = measured(work, device, given.step)
                    hours = [seconds * some / both / 3600 for some in flops]
                    line += f"; {1e3 * seconds:.0f} ms an image on {device.type}, {told(*hours)} hours there"
                print(line, flush=True)
            print(f"  together {told(*total)} GPU-hours at {SUSTAINED / 1e12:.0f} TFLOP/s", flush=True)
    except SymlossError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
