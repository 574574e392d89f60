"""Late imports: heavy libraries and verbs load on first use, and only here."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import the module `name`; raise ImportError if it is not installed."""
    return importlib.import_module(name)


def installed(name: str) -> bool:
    """Return whether the module `name` is installed, without importing it."""
    return importlib.util.find_spec(name) is not None


def attribute(name: str) -> object:
    """Import and return the object that `package.module:attribute` names."""
    module, _, attr = name.partition(":")
    return getattr(load(module), attr)
