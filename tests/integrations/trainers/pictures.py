"""A ViT of a few thousand weights, which tells bright pictures from dark ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

from mvc.training.transformers import MvcCallback
from tests.integrations import versions
from tests.integrations.trainers import nets


class Pictures(torch.utils.data.Dataset):  # type: ignore[misc] # not typed where it is not installed
    """Pictures of 16 x 16, of which every other one is brighter."""

    def __init__(self, count: int, seed: int) -> None:
        made = torch.Generator().manual_seed(seed)
        self.labels = torch.arange(count) % 2
        self.pixels = torch.randn(count, 3, 16, 16, generator=made) + 0.3 * self.labels[:, None, None, None]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"pixel_values": self.pixels[index], "labels": self.labels[index]}


def net() -> Any:
    """A small ViT that begins the same each time."""
    torch.manual_seed(5)
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=32,
        image_size=16,
        patch_size=8,
        id2label=dict(enumerate(nets.CLASSES)),
        label2id={name: number for number, name in enumerate(nets.CLASSES)},
    )
    return ViTForImageClassification(config)


def accuracy(predicted: Any) -> dict[str, float]:
    """Return the metrics of an evaluation."""
    return {"accuracy": float((predicted.predictions.argmax(axis=1) == predicted.label_ids).mean())}


def trainer(folder: Path, *, arguments: Mapping[str, Any] | None = None, **options: Any) -> Any:
    """Return a trainer of three epochs whose best checkpoint is kept, with the callback."""
    given: dict[str, Any] = {
        "output_dir": str(folder / "out"),
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "logging_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "loss",
        "save_total_limit": 1,
        "num_train_epochs": 3,
        "learning_rate": 0.02,
        "per_device_train_batch_size": 8,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": 1,
    }
    return Trainer(
        model=net(),
        args=TrainingArguments(**given | dict(arguments or {})),
        train_dataset=Pictures(48, 1),
        eval_dataset=Pictures(24, 2),
        compute_metrics=accuracy,
        callbacks=[MvcCallback(versions.MODEL, **options)],
    )


def evaluate(checkpoint: Path, folder: Path) -> dict[str, float]:
    """Return the metrics of a checkpoint, loaded and evaluated anew."""
    loaded = ViTForImageClassification.from_pretrained(checkpoint)
    arguments = TrainingArguments(output_dir=str(folder / "again"), use_cpu=True, report_to="none", disable_tqdm=True)
    fresh = Trainer(model=loaded, args=arguments, eval_dataset=Pictures(24, 2), compute_metrics=accuracy)
    return dict(fresh.evaluate())
