"""torch: the classes that a checkpoint of Ultralytics has in its pickle, which is parsed and never executed.

    {"ema": Call(DetectionModel, state {"names": {0: "helmet", 1: "head"}, …}), "model": …}

Source: ultralytics/engine/trainer.py; a checkpoint has `model`, `ema` or both, and an exported one the model alone.
"""

from __future__ import annotations

import itertools
from typing import Any

from mvc.formats import torch, torch_legacy
from mvc.formats.metadata.class_names import MAX_CLASSES, Classes
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import pickle_text
from mvc.formats.syntax.pickle_text import Call
from mvc.model.metadata import Metadata

_MODELS = ("model", "ema")
_NAMES = "names"


def read(source: Source) -> Metadata:
    """Return the metadata of a checkpoint. Raises HeaderError."""
    try:
        root = _saved_object(source)
    except HeaderError:
        return Metadata("torch")
    models = [root, *(_item(root, key) for key in _MODELS)]
    names = (_classes(_item(_item(model, None), _NAMES)) for model in models)
    return Metadata("torch", classes=next(filter(None, names), ()))


def _saved_object(source: Source) -> Any:
    if torch_legacy.matches(source.read(0, min(source.size, 1)), source):
        return torch_legacy.saved_object(source)
    data = torch.main_pickle(source)
    return pickle_text.read(data) if data else None


def _item(value: Any, key: str | None) -> Any:
    """Return an item of a dict-like value; with None, the state of an object."""
    if not isinstance(value, Call):
        return None
    return next((item for name, item in reversed(value.parts) if type(name) is type(key) and name == key), None)


def _classes(value: Any) -> Classes:
    """Return the classes of a dict or list of names; none if it is neither."""
    items: list[Any] = []
    if isinstance(value, Call) and value.function is None:
        items = list(itertools.islice(value.parts, MAX_CLASSES + 1))
    elif isinstance(value, list):
        items = list(enumerate(itertools.islice(value, MAX_CLASSES + 1)))
    is_valid = all(type(number) is int and 0 <= number < 1 << 31 and isinstance(name, str) for number, name in items)
    return tuple(sorted(dict(items).items())) if is_valid and len(items) <= MAX_CLASSES else ()
