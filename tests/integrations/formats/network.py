"""One network in three versions: trained, trained eight steps further, and with only its head trained further.

    versions()[0] ─ 8 steps of AdamW at 5e-5 ─► versions()[1] ─ the head alone ─► versions()[2]

A ResNet-18 of half the width: 2.8 million parameters, 122 tensors.
"""

from __future__ import annotations

import copy
import functools
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

CLASSES = 10
SIZE = 32
"""Pixels of a picture in each direction."""
WIDTHS = (32, 64, 128, 256)


class Block(nn.Module):  # type: ignore[misc]
    """Two convolutions and a shortcut (He et al., Deep Residual Learning for Image Recognition, 2015)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        inner = torch.relu(self.bn1(self.conv1(values)))
        shortcut = values if self.downsample is None else self.downsample(values)
        return torch.relu(self.bn2(self.conv2(inner)) + shortcut)


class Network(nn.Module):  # type: ignore[misc]
    """The network; its names are those of torchvision."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        inputs = WIDTHS[0]
        for number, width in enumerate(WIDTHS):
            layer = nn.Sequential(Block(inputs, width, 1 if width == inputs else 2), Block(width, width, 1))
            self.add_module(f"layer{number + 1}", layer)
            inputs = width
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        values = torch.relu(self.bn1(self.conv1(pictures)))
        for number in range(len(WIDTHS)):
            values = self.get_submodule(f"layer{number + 1}")(values)
        return self.fc(values.mean(dim=(2, 3)))


class Trained(NamedTuple):
    """One version of the network, with the optimizer that trained it."""

    model: Network
    optimizer: torch.optim.AdamW

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the tensors by name."""
        return {name: tensor.detach().numpy() for name, tensor in self.model.state_dict().items()}


@functools.lru_cache(maxsize=1)
def versions() -> tuple[Trained, Trained, Trained]:
    """Return the three versions, trained once per process; callers must not change them."""
    torch.manual_seed(7)
    model = Network()
    first = _trained(Trained(model, torch.optim.AdamW(model.parameters(), 1e-3)), steps=12, rate=1e-3)
    second = _trained(first, steps=8, rate=5e-5)
    return first, second, _trained(second, steps=2, rate=5e-5, head_only=True)


def pictures(count: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures and their classes, which a network can learn: the brightest tenth of the columns."""
    values = torch.randn(count, 3, SIZE, SIZE)
    columns = values.mean(dim=(1, 2))
    return values, columns.argmax(dim=1) * CLASSES // SIZE


def _trained(begin: Trained, *, steps: int, rate: float, head_only: bool = False) -> Trained:
    """Return a copy of `begin` after more steps. With `head_only`, statistics of batches stay as they are, too."""
    trained: Any = copy.deepcopy(begin)
    model, optimizer = trained
    model.train(not head_only)
    for group in optimizer.param_groups:
        group["lr"] = rate
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not head_only or name.startswith("fc."))
    for _ in range(steps):
        inputs, classes = pictures()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs), classes).backward()
        optimizer.step()
    model.train()
    return Trained(model, optimizer)
