"""torch: the license that Ultralytics writes into a checkpoint, or into the config.txt of TorchScript.

    {"model": …, "license": "AGPL-3.0 (https://ultralytics.com/license)"}       extra/config.txt: {"license": …}

The pickle is parsed, never executed. Source: ultralytics/engine/trainer.py and exporter.py.
"""

from __future__ import annotations

import json

from mvc.formats import torch, torch_legacy
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import pickle_text
from mvc.formats.syntax.pickle_text import Call
from mvc.model.metadata import Metadata

_KEY = "license"
_CONFIG = "extra/config.txt"
_MAX_CONFIG = 1 << 20


def read(source: Source) -> Metadata:
    """Return the license of a checkpoint as its only property. Raises HeaderError."""
    text = _of_pickle(source) or _of_config(source)
    return Metadata("torch", properties={_KEY: text} if text else {})


def _of_pickle(source: Source) -> str:
    if torch_legacy.matches(source.read(0, min(source.size, 1)), source):
        root = torch_legacy.saved_object(source)
    else:
        data = torch.main_pickle(source)
        try:
            root = pickle_text.read(data) if data else None
        except HeaderError:  # of TorchScript, whose license is beside it
            root = None
    parts = root.parts if isinstance(root, Call) else ()
    return next((value for key, value in reversed(parts) if key == _KEY and isinstance(value, str)), "")


def _of_config(source: Source) -> str:
    if torch_legacy.matches(source.read(0, min(source.size, 1)), source):
        return ""
    data = torch.member(source, _CONFIG, _MAX_CONFIG)
    try:
        values = json.loads(data) if data else None
    except (ValueError, RecursionError):
        values = None
    text = values.get(_KEY) if isinstance(values, dict) else None
    return text if isinstance(text, str) else ""
