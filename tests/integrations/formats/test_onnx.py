"""ONNX models of PyTorch's exporters: what each version costs, and the tensors that the onnx package finds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import onnx  # type: ignore[import-not-found,unused-ignore]
import pytest
import torch

from tests.integrations.formats import growth, network
from tests.integrations.small import slow

MOST = 65.0 * 1.15
"""Per cent that the second version may cost: its batch norms are folded into the weights, which moves every bit."""


def _export(number: int, path: Path, **options: Any) -> None:
    model = network.versions()[number].model
    was_training = model.training
    torch.onnx.export(model.eval(), (torch.zeros(2, 3, network.SIZE, network.SIZE),), path, **options)
    model.train(was_training)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"dynamo": True, "external_data": True}, marks=slow),
        {"dynamo": False, "training": torch.onnx.TrainingMode.TRAINING, "do_constant_folding": False},
    ],
    ids=["external", "training"],
)
def test_a_model_costs_what_its_tensors_do(tmp_path: Path, options: dict[str, Any]) -> None:
    writers = [partial(_export, number, **options) for number in range(3)]
    found = growth.measured(tmp_path / "growth", "best.onnx", writers)
    print(f"onnx {found}")
    first, second, third = found.shares
    assert first < 86
    assert second < MOST
    assert third < 1
    assert _names(tmp_path / "best.onnx", options) <= {*found.tensors} or options.get("external_data")


def _names(path: Path, options: dict[str, Any]) -> set[str]:
    _export(0, path, **options)
    return {tensor.name for tensor in onnx.load(path, load_external_data=False).graph.initializer}
