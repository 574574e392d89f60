"""The names of metrics: one for all the spellings of tools.

metrics/mAP50(B)  map_50  mAP@0.5     ─►  mAP50        of a class: AP50
metrics/mAP50-95(M)                   ─►  mAP50-95-mask
f1-score  Box-F1                      ─►  f1
anything else                         ─►  as it is
"""

from __future__ import annotations

import re

_TASKS = {"b": "", "m": "-mask", "p": "-pose"}
"""The tasks of Ultralytics, `(B)` of boxes, `(M)` of masks, `(P)` of keypoints, and the ends of their metrics here."""
_PREFIXED = {"box": "", "bbox": "", "mask": "-mask", "segm": "-mask", "pose": "-pose"}
_TASK = re.compile(r"(.+)\(([BMP])\)\Z", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s_@:/]+")
_SAME: dict[str, tuple[str, ...]] = {
    "mAP50": ("map50", "map-50", "map-0.5", "map-.5", "ap50", "ap-50", "ap-0.5"),
    "mAP75": ("map75", "map-75", "map-0.75", "ap75", "ap-75"),
    "mAP50-95": (
        *("map", "map50-95", "map-50-95", "map-0.5-0.95", "map-.5-.95"),
        *("ap", "ap50-95", "ap-50-95", "ap-0.5-0.95", "ap-all"),
    ),
    "mAP-small": ("map-small", "ap-small"),
    "mAP-medium": ("map-medium", "ap-medium"),
    "mAP-large": ("map-large", "ap-large"),
    "precision": ("precision", "p", "prec", "mean-precision"),
    "recall": ("recall", "r", "mean-recall"),
    "f1": ("f1", "f1-score", "fscore", "f-score"),
    "accuracy": ("accuracy", "acc"),
    "AR1": ("mar-1", "ar1", "ar-1"),
    "AR10": ("mar-10", "ar10", "ar-10"),
    "AR100": ("mar-100", "ar100", "ar-100", "ar-all"),
    "AR-small": ("mar-small", "ar-small"),
    "AR-medium": ("mar-medium", "ar-medium"),
    "AR-large": ("mar-large", "ar-large"),
    "IoU": ("iou",),
    "mIoU": ("miou",),
    "accuracy-top1": ("accuracy-top1", "top1-acc"),
    "accuracy-top5": ("accuracy-top5", "top5-acc"),
}
_NAMES = {spelling: name for name, spellings in _SAME.items() for spelling in spellings}
_OF_A_CLASS = {"mAP50": "AP50", "mAP75": "AP75", "mAP50-95": "AP"}
_MEANS = {"AP50": "mAP50", "AP75": "mAP75", "AP": "mAP50-95", "precision": "precision", "recall": "recall", "f1": "f1"}
_SHARES = {*_SAME, *_OF_A_CLASS.values()}
"""The metrics in the table, of all and of a class: each is a share."""
MEANS = {f"{name}{task}": f"{overall}{task}" for task in _TASKS.values() for name, overall in _MEANS.items()}
"""The metrics of classes whose mean is a metric of all, by its name there."""


def overall(spelling: str) -> str:
    """Return the name of a metric of all classes."""
    name, task = _parsed(spelling)
    return f"{name}{task}"


def of_class(spelling: str) -> str:
    """Return the name of a metric of one class."""
    name, task = _parsed(spelling)
    return f"{_OF_A_CLASS.get(name, name)}{task}"


def is_share(name: str) -> bool:
    """Return whether a metric, by its name here, is a share, from 0 to 1."""
    plain = next((name.removesuffix(task) for task in _TASKS.values() if task and name.endswith(task)), name)
    return plain in _SHARES


def _parsed(spelling: str) -> tuple[str, str]:
    """Return the name without its task, and the end that names the task."""
    text, task = spelling.strip().removeprefix("metrics/"), ""
    match = _TASK.match(text)
    if match:
        text, task = match[1], _TASKS[match[2].lower()]
    plain = _SEPARATORS.sub("-", text).lower()
    if plain in _NAMES:
        return _NAMES[plain], task
    first, _, rest = plain.partition("-")
    if first in _PREFIXED and rest in _NAMES:
        return _NAMES[rest], _PREFIXED[first]
    return text, task
