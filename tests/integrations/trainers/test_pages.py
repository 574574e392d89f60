"""The code that the pages of trainers show, run as it is beside a module `my_project`."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch.nn import functional

from tests.integrations import versions
from tests.integrations.trainers import loop, nets, pictures, test_keras
from tests.integrations.trainers.classifier import Classifier


def train_epoch(accelerator: Accelerator, net: Any) -> None:
    net, optimizer, batches = accelerator.prepare(net, torch.optim.AdamW(net.parameters(), lr=0.05), nets.batches())
    for values, classes in batches:
        optimizer.zero_grad()
        accelerator.backward(functional.cross_entropy(net(values), classes))
        optimizer.step()


def my_project(page: str) -> dict[str, Any]:
    """What the code of a page imports from the reader's own project."""
    if page == "lightning":
        return {"Detector": Classifier, "batches": nets.batches(), "validation_batches": nets.batches(48, seed=4)}
    if page == "transformers":
        sets = {"pictures": pictures.Pictures(48, 1), "validation_pictures": pictures.Pictures(24, 2)}
        return {"net": pictures.net(), **sets}
    if page == "keras":
        points, classes = test_keras.data(96, 3)
        return {"points": points, "classes": classes, "validation": test_keras.data(48, 4)}
    loop.reset()
    return {"net": nets.net(), "train_epoch": train_epoch, "evaluate": lambda net: loop.evaluate(net)["val_accuracy"]}


@pytest.mark.parametrize(
    ("page", "weights"),
    [
        ("lightning", "helmet-detector/*/checkpoints/*.ckpt"),
        ("transformers", "out/checkpoint-*/model.safetensors"),
        ("keras", "best.keras"),
        ("accelerate", "best/model.safetensors"),
    ],
)
def test_the_code_of_the_page_records_a_version(
    page: str, weights: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("my_project")
    vars(module).update(my_project(page))
    monkeypatch.setitem(sys.modules, "my_project", module)
    path = f"docs/how-to/trainers/{page}.md"
    exec(compile(versions.block(path), path, "exec"), {"__name__": "__main__"})
    written = [file.read_bytes() for file in folder.glob(weights)]
    assert versions.only(folder).files["model-latest"].read() in written
