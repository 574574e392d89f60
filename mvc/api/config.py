"""Settings as a mapping: those of the user, overridden by those of a repository."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.storage.records import config as records
from mvc.storage.records.config import Setting


class Config(Mapping[str, Any]):
    """The settings in effect, by key. An unset key raises NoValue, an unknown one UnknownSetting."""

    def __init__(
        self, settings: Callable[[], records.Config], roll_forward: Callable[[], object] = lambda: None
    ) -> None:
        """Call `settings` for each read, and `roll_forward` before each change."""
        self._settings = settings
        self._roll_forward = roll_forward

    def __getitem__(self, key: str) -> Any:
        found = self._settings().get(key)
        if found is None:
            raise errors.NoValue(key=key, suggestion="")
        return found

    def __contains__(self, key: object) -> bool:
        return any(setting.key == key for setting in self.all())

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, else `default`. Raises UnknownSetting."""
        found = self._settings().get(key)
        return default if found is None else found

    def __iter__(self) -> Iterator[str]:
        return (setting.key for setting in self.all())

    def __len__(self) -> int:
        return len(self.all())

    def all(self) -> list[Setting]:
        """Return all settings, each with the file that it comes from."""
        return self._settings().all()

    def set(self, key: str, value: object, *, user: bool = False) -> None:
        """Set `key`, with `user` in the user's settings. Raises UnknownSetting, BadSetting, ReadOnlyStore."""
        if not user:
            self._roll_forward()
        text = shlex.join(value) if isinstance(value, list) else str(value)
        text = text.lower() if isinstance(value, bool) else text
        self._settings().set(key, text, user=user)

    def unset(self, key: str, *, user: bool = False) -> bool:
        """Remove `key`; return False if it was not set. Raises UnknownSetting."""
        if not user:
            self._roll_forward()
        return self._settings().unset(key, user=user)

    def _ipython_key_completions_(self) -> list[str]:
        return [*self]

    def __repr__(self) -> str:
        return f"<Config: {', '.join(self) or 'nothing is set'}>"
