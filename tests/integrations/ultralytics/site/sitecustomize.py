"""torchvision beside a torch without CUDA: its library for CUDA cannot be loaded, so `nms` is Python here.

The environment of Ultralytics is a third of the size in this way. Loaded by each Python that starts there, since a
trainer starts further ones. Where torchvision's own library loads, nothing is changed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from typing import Any


class _Operators(MetaPathFinder):
    """Defines torchvision's operators before the module that needs them is looked for."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> None:
        if name == "torchvision._meta_registrations":
            extension: Any = sys.modules["torchvision.extension"]
            if not extension._has_ops():
                extension._assert_has_ops = lambda: None
                _define()


def _define() -> None:
    from torch import library  # noqa: PLC0415 - most Pythons that start here never need it

    made = library.Library("torchvision", "DEF")
    made.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    made.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    made.impl("nms", _nms, "CPU")
    sys.modules[__name__].made = made  # type: ignore[attr-defined] # its operators end with it


def _nms(boxes: Any, scores: Any, threshold: float) -> Any:
    """Return the indices of the boxes that no better one overlaps by more than `threshold`, the best first."""
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    order, kept = scores.argsort(descending=True), []
    while order.numel():
        best, order = order[0], order[1:]
        kept.append(best)
        corner = boxes[order, :2].maximum(boxes[best, :2])
        both = (boxes[order, 2:].minimum(boxes[best, 2:]) - corner).clamp(min=0).prod(dim=1)
        order = order[both / (area[order] + area[best] - both) <= threshold]
    return scores.argsort()[:0] if not kept else kept[0].new_tensor([int(index) for index in kept])


sys.meta_path.insert(0, _Operators())
