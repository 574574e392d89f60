"""The one place that imports a module late: heavy libraries and verbs load when they are first used."""

from __future__ import annotations

import importlib
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import the module `name` now; raises ImportError when it is not installed."""
    return importlib.import_module(name)


def attribute(name: str) -> object:
    """The object that `package.module:attribute` names, imported now."""
    module, _, attr = name.partition(":")
    return getattr(load(module), attr)
