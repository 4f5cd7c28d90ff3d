"""A discovered loss in the Trainer of Hugging Face transformers: a small vision transformer on handwritten digits.

    pip install transformers accelerate
    symloss export ngl --to torch -o my_loss.py
    python experiments/use/transformers_trainer.py my_loss.py [--steps 400] [--accumulate 2]

The model is built from a configuration, so nothing is downloaded.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"  # this example needs nothing from the network; leave it out for pretrained models

import numpy as np
from digits import arguments, digits, parse, report
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from transformers import (
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    ViTConfig,
    ViTForImageClassification,
    set_seed,
)

BATCH = 64


def loss_function(loss: type[nn.Module]) -> Callable[..., Tensor]:
    """Return what the Trainer takes as ``compute_loss_func``.

    The Trainer adds up the gradients of the batches that it accumulates and leaves the division to this function. A
    mean over each batch would make the step as many times too long, so the loss is summed and divided by
    ``num_items_in_batch``, the number of labels in all of those batches together.
    """
    criterion = loss(reduction="sum")

    def compute(outputs: Any, labels: Tensor, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        # For a label at each token, put the classes second: outputs.logits.transpose(1, 2). Neither the Trainer's
        # number nor the loss counts labels of -100.
        count = (labels != -100).sum() if num_items_in_batch is None else num_items_in_batch
        return criterion(outputs.logits, labels) / count

    return compute


def examples(data: TensorDataset) -> list[dict[str, Any]]:
    """Return a dataset in the form that the Trainer passes on to the model."""
    return [{"pixel_values": image, "labels": int(label)} for image, label in data]


def accuracy(prediction: EvalPrediction) -> dict[str, float]:
    """Return the share of right answers."""
    return {"accuracy": float(np.mean(prediction.predictions.argmax(axis=-1) == prediction.label_ids))}


def main() -> None:
    """Train, test and print one line."""
    parser = arguments(__doc__, steps=400)
    parser.add_argument("--accumulate", type=int, default=2, choices=(1, 2, 4), help=f"parts of a batch of {BATCH}")
    options = parse(parser)

    set_seed(0)
    train, test = map(examples, digits())
    config = ViTConfig(
        image_size=8,
        patch_size=2,
        num_channels=1,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=128,
        num_labels=10,
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=ViTForImageClassification(config),
            args=TrainingArguments(
                output_dir=folder,
                max_steps=options.steps,
                per_device_train_batch_size=BATCH // options.accumulate,
                gradient_accumulation_steps=options.accumulate,
                learning_rate=2e-3,
                lr_scheduler_type="cosine",
                warmup_steps=options.steps // 10,
                # Clipping depends on the size of a loss's gradients; 0 turns it off.
                max_grad_norm=0.0,
                use_cpu=True,
                seed=0,
                save_strategy="no",
                logging_strategy="no",
                report_to="none",
                disable_tqdm=True,
            ),
            train_dataset=train,
            eval_dataset=test,
            compute_loss_func=loss_function(options.loss),
            compute_metrics=accuracy,
        )
        trainer.remove_callback(PrinterCallback)
        result = trainer.train()
        metrics = trainer.evaluate()
    print(f"mean training loss {result.training_loss:.6f}, test loss {metrics['eval_loss']:.6f}")
    report(options, metrics["eval_accuracy"], result.metrics["train_runtime"])


if __name__ == "__main__":
    main()
