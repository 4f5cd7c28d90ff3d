"""Two processes under torchrun, against one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import torch

from symloss.training import Recipe, fit

SCRIPT = """
import json, os, signal, sys
from pathlib import Path
from symloss.losses import find
from symloss.runtime import stopping
from symloss.training import Recipe, fit
folder = Path(sys.argv[1])
for name, values in json.loads((folder / "recipes.json").read_text()).items():
    losses = []

    def trace(step, loss):
        losses.append(loss)
        if name == "plain" and step == 2 and os.environ["RANK"] == "1" and len(losses) == 3:
            signal.raise_signal(signal.SIGINT)  # one process hears it, and both must stop

    if name == "plain":
        stopping._CALLS = 2
        try:
            fit(Recipe.from_dict(values), find("ce"), 0, folder / name, device="cpu", workers=0, trace=trace)
        except KeyboardInterrupt:
            assert len(losses) == 4
            assert (folder / name / "last.pt").exists()
        else:
            raise AssertionError("it did not stop")
    result = fit(Recipe.from_dict(values), find("ce"), 0, folder / name, device="cpu", workers=0,
                 trace=trace)
    (folder / f"{name}-{os.environ['RANK']}.json").write_text(json.dumps([losses, result.to_json()]))
"""

MLP = {"dataset": "digits", "model": "mlp", "batch": 50, "images": 170, "epochs": 2, "lr": 0.05}
UNET = {"dataset": "camvid", "model": "unet(width=4, depth=2, norm=group)", "batch": 5, "epochs": 1, "lr": 0.05}
CNN = {"dataset": "digits", "model": "cnn", "hidden": 8, "batch": 20, "images": 81, "epochs": 2, "lr": 0.01}
RECIPES = {
    "plain": MLP | {"augment": "paper"},
    "accumulated": MLP | {"augment": "crop-flip", "accumulate": 2},
    "ignored": UNET | {"metrics": ["miou", "nll", "ece"]},
    # Fewer images than pieces: some have none.
    "empty": UNET | {"accumulate": 3},
    # One process has a piece of the test part more than the other, and they ask each other as often.
    # BatchNorm has other statistics in each process, so losses differ; metrics must not.
    "normalised": CNN | {"metrics": ["accuracy", "nll"]},
}


def test_two_processes_train_and_stop_like_one(streets, ce, tmp_path):
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "recipes.json").write_text(json.dumps(RECIPES))
    (folder / "train.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, str(folder / "train.py"), str(folder)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "SYMLOSS_DATA": str(streets)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for name, values in RECIPES.items():
        losses: dict[int, float] = {}
        ranks = [json.loads((folder / f"{name}-{rank}.json").read_text()) for rank in (0, 1)]
        recipe = Recipe.from_dict(values)
        one = fit(recipe, ce, 0, tmp_path / name, device="cpu", workers=0, trace=losses.__setitem__)
        two = [json.loads(text) for _, text in ranks]
        assert ranks[0][0] == ranks[1][0]
        for part in ("best", "last", "history", "images"):
            assert two[0][part] == two[1][part] or part == "history"
        assert two[0]["processes"] == 2
        assert two[0]["images"] == one.images
        assert two[0] == json.loads((folder / name / "result.json").read_text())
        if name == "normalised":
            continue
        assert ranks[0][0] == pytest.approx([*losses.values()], abs=1e-5)
        assert two[0]["last"]["test"] == pytest.approx(one.last.test, abs=1e-4)
        assert two[0]["last"]["validation"] == pytest.approx(one.last.validation, abs=1e-4)
        weights = [torch.load(place / name / "last.pt", weights_only=True)["network"] for place in (folder, tmp_path)]
        for key, value in weights[0].items():
            assert torch.allclose(value, weights[1][key], atol=1e-4)
