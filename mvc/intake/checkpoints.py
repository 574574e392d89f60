"""The best of several checkpoints, by what trainers write beside them or into their names.

epoch=3-val_loss=0.12.ckpt, epoch=7-val_loss=0.10.ckpt   →  the second: val_loss is lowest
checkpoint-500, checkpoint-900, trainer_state.json       →  the one that it names as the best, else the newest
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from mvc.model.query import order

_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_./]*?)=(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)")
_NUMBER = re.compile(r"[0-9]+")
_COUNTERS = ("epoch", "step")


def metric(path: str) -> tuple[str, float] | None:
    """Return the metric in the name of a checkpoint of Lightning, with its value; None if it has none."""
    name = PurePosixPath(path).name.removesuffix(".ckpt")
    values = [(key.lstrip("-_."), float(value)) for key, value in _NAMED.findall(name)]
    return next(((key, value) for key, value in values if key not in _COUNTERS), None)


def best(paths: Sequence[str]) -> tuple[str, str]:
    """Return the best of the checkpoints, and why it is."""
    if len(paths) == 1:
        return paths[0], "the only checkpoint"
    valued = {path: named for path in paths if (named := metric(path)) is not None}
    names = {name for name, _ in valued.values()}
    if len(valued) == len(paths) and len(names) == 1:
        (name,) = names
        lowest = order.lowest_is_best(("metrics", name))
        chosen = (min if lowest else max)(paths, key=lambda path: valued[path][1])
        return chosen, f"{'lowest' if lowest else 'highest'} {name} of {len(paths)} checkpoints"
    return max(paths, key=numbers), f"newest of {len(paths)} checkpoints"


def numbers(path: str) -> tuple[int, ...]:
    """Return the numbers in a name, by which checkpoints and runs are in order: epochs, steps."""
    return tuple(int(number) for number in _NUMBER.findall(PurePosixPath(path).name)[:4])


def named_best(state: Any, names: Sequence[str]) -> str | None:
    """Return the folder that a trainer_state.json names as the best; None if it names none of `names`."""
    path = state.get("best_model_checkpoint") if isinstance(state, dict) else None
    name = PurePosixPath(path.replace("\\", "/")).name if isinstance(path, str) else None
    return name if name in names else None
