"""The environment's own stand-in for an operator of torchvision."""

from __future__ import annotations

import torch
import torchvision


def test_the_best_of_overlapping_boxes_is_kept() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30], [0, 0, 10, 4]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.5, 0.9, 0.8, 0.7]), 0.5)
    assert kept.tolist() == [1, 2, 3]
