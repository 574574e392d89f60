"""The one place that imports a module late: heavy libraries and verbs load when they are first used."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import the module `name` now; raises ImportError when it is not installed."""
    return importlib.import_module(name)


def installed(name: str) -> bool:
    """Whether there is a module `name`, without importing it."""
    return importlib.util.find_spec(name) is not None


def attribute(name: str) -> object:
    """The object that `package.module:attribute` names, imported now."""
    module, _, attr = name.partition(":")
    return getattr(load(module), attr)
