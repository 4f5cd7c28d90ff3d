"""A run's question and answer as sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from symloss.report.tables import p_text, percent
from symloss.tasks import METRICS

Row = Mapping[str, Any]

#: Below this corrected p-value a difference is called one.
LEVEL = 0.05


@dataclass(frozen=True)
class Answer:
    """What the final comparison says on one task.

    Attributes:
        verdict: ``"better"``, ``"other"`` (one that is not ranked first), ``"noise"``, ``"worse"`` or ``"unknown"``.
        text: one sentence or two.
    """

    verdict: str
    text: str


def task_words(task: Mapping[str, Any]) -> str:
    """Return a task's settings as a phrase: the network, the data, the training, and what is wrong with the data."""
    width = f" with {task['hidden']} hidden units" if task["model"] == "mlp" and "hidden" in task else ""
    text = f"the network {task['model']}{width} on {task['dataset']}"
    if "steps" in task:
        text += f", trained for {task['steps']:,} steps of {task['batch']} samples by {task['optimizer']}"
        text += f" at a learning rate of {task['lr']:g}" if "lr" in task else ""
    if task.get("schedule", "constant") != "constant":
        text += f" with a {task['schedule']} schedule"
    if task.get("warmup"):
        text += f", warmed up over {task['warmup']:.0%} of the steps"
    if task.get("weight_decay"):
        text += f", weight decay {task['weight_decay']:g}"
    if task.get("train_size"):
        text += f", {task['train_size']:,} training samples"
    if task.get("label_noise"):
        text += f", {100 * task['label_noise']:g} % of the training labels wrong ({task['noise']})"
    if task.get("imbalance", 1.0) != 1.0:
        text += f", the rarest class with {task['imbalance']:g} of the most frequent one's samples"
    return text


def question(config: Mapping[str, Any]) -> list[str]:
    """Return what a run asked: one sentence, and with several tasks one line for each of them."""
    tasks = config["tasks"]
    metrics = tasks[0]["metrics"]
    best = " and ".join(f"{'highest' if METRICS[name].higher_is_better else 'lowest'} {name}" for name in metrics)
    asked = f"Which formula of the grammar {config['grammar']['name']}, used as the loss, gives the {best}"
    if len(tasks) == 1:
        return [f"{asked} for {task_words(tasks[0])}?"]
    return [
        f"{asked} over {len(tasks)} tasks?",
        *(f"{task_words(task)};" for task in tasks[:-1]),
        task_words(tasks[-1]),
    ]


def is_better(row: Row, metric: str) -> bool:
    """Return whether a row's gain is an improvement that noise does not explain."""
    return _significant(row) and (row["gain"]["mean"] > 0) == METRICS[metric].higher_is_better


def gain_words(row: Row) -> str:
    """Return ``+1.92 points [1.60, 2.24], p < 1e-4``."""
    gain = row["gain"]
    text = f"{100 * gain['mean']:+.2f} points"
    if gain.get("ci95"):
        text += " [{:+.2f}, {:+.2f}]".format(*(100 * end for end in gain["ci95"]))
    p = p_text(row)
    return f"{text}, p {p if p.startswith('<') else f'= {p}'}" if p else text


def answer(result: Mapping[str, Any], number: int = 0) -> Answer:
    """Return what a run found on task ``number``; which loss it speaks of, validation alone has chosen."""
    found = [on_task(row, number) for row in result["hall_of_fame"]]
    if not found:
        return Answer("unknown", "No loss passed every screen: widen the grammar or raise the budget.")
    metric = result["config"]["tasks"][number]["metrics"][0]
    baseline = on_task(result["baselines"][0], number)
    others = [on_task(row, number) for row in (*result["control"], *result["baselines"][1:])]
    first = found[0]
    n = first["test"]["n"]
    name = baseline["loss"]
    score = f"the loss ranked first by validation has a test {metric} of {percent(first['test'])} %"
    against = f"{gain_words(first)} against {name} at {percent(baseline['test'])} %"
    tested = f"(paired t-test over {n} fresh seeds, Holm-corrected for {len(found) + len(others)} comparisons)"
    if first["gain"].get("p_holm") is None:
        return Answer("unknown", f"It cannot be told from noise with {n} seed{'s' * (n > 1)}: {score}, {against}.")
    if is_better(first, metric):
        return Answer("better", f"Better than {name}: {score}, {against} {tested}.")
    rest = [row for row in found if is_better(row, metric)]
    if rest:
        listed = "; ".join(f"{row['loss']}: {gain_words(row)}" for row in rest)
        return Answer("other", f"Not by the first choice: {score}, {against} {tested}. Better than noise: {listed}.")
    if _significant(first):
        return Answer("worse", f"Nothing better than {name} was found: {score}, {against} {tested}.")
    return Answer("noise", f"Nothing that was found is better than noise: {score}, {against} {tested}.")


def on_task(row: Row, number: int) -> dict[str, Any]:
    """Return a row with its scores on one task of several."""
    return dict(row) | (row["tasks"][number] if "tasks" in row else {})


def _significant(row: Row) -> bool:
    gain = row["gain"]
    return bool(gain) and gain.get("p_holm") is not None and gain["p_holm"] < LEVEL
