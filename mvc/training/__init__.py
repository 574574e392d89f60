"""Training runs become versions: one version per run, the best weights with their metrics, from rank 0.

    run.py          `mvc.run`: a loop logs and gives its best weights; at the end they are one version
    versioned.py    `@mvc.versioned`: each call of a function is a run
    callback.py     what the callbacks of trainers share; then a module per trainer
    engine          what a run is made of: its inputs, its files, its version, and the push of it
    rank.py         which process of a distributed training records

Training code never sees an exception of mvc unless it asks for them (`strict=True`).
"""

from __future__ import annotations

from types import ModuleType

from mvc import lazy

TRAINERS = ("accelerate", "keras", "lightning", "transformers", "ultralytics")
"""The modules with callbacks, one per trainer."""


def __getattr__(name: str) -> ModuleType:
    """Load the module of a trainer: `mvc.training.ultralytics` needs no import of its own."""
    if name not in TRAINERS:
        raise AttributeError(f"module 'mvc.training' has no attribute {name!r}")
    return lazy.load(f"mvc.training.{name}")
