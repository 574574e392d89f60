"""Late imports: heavy libraries and verbs load on first use, and only here."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import the module `name`; raise ImportError if it is not installed."""
    return importlib.import_module(name)


class Module:
    """A module that is imported when one of its attributes is first used.

        if TYPE_CHECKING:
            from mvc.model.toml import edit
        else:
            edit = lazy.Module("mvc.model.toml.edit")

    mypy follows the import, so it checks each call. An attribute raises ImportError if the module is not installed.
    """

    def __init__(self, name: str) -> None:
        """Remember the module `name`; nothing is imported yet."""
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> object:
        """Return an attribute of the module."""
        if self._module is None:  # looked up once, for functions that are called for each of thousands of objects
            self._module = load(self._name)
        return getattr(self._module, attribute)


def installed(name: str) -> bool:
    """Return whether the module `name` is installed, without importing it."""
    return importlib.util.find_spec(name) is not None


def attribute(name: str) -> object:
    """Import and return the object that `package.module:attribute` names."""
    module, _, attr = name.partition(":")
    return getattr(load(module), attr)
