"""Points in two classes that a small net learns to tell apart, for every trainer."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

CLASSES = ["helmet", "head"]


def points(count: int = 96, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of four numbers, and their classes."""
    made = torch.Generator().manual_seed(seed)
    values = torch.randn(count, 4, generator=made)
    return values, (values.sum(dim=1) > 0).long()


def batches(count: int = 96, seed: int = 3) -> Any:
    """The points in batches, always in the same order."""
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*points(count, seed)), batch_size=16)


def net() -> nn.Module:
    """A net that begins the same each time."""
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, len(CLASSES)))
