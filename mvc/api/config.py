"""Settings as a mapping: those of the user, overridden by those of a repository."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.porcelain import config as verb
from mvc.repository.repository import Repository
from mvc.storage.records import config as records
from mvc.storage.records.config import Setting


class Config(Mapping[str, Any]):
    """The settings in effect, by key. An unset key raises NoValue, an unknown one UnknownSetting."""

    def __init__(
        self, settings: Callable[[], records.Config], repository: Callable[[], Repository | None] = lambda: None
    ) -> None:
        """Call `settings` for each read, and roll `repository` forward before each change of its settings."""
        self._settings = settings
        self._repository = repository

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
        """Set `key`, with `user` in the user's settings. Raises UnknownSetting, BadSetting, ReadOnlyStore.

        The name of a new remote is checked as by `remotes.add`: BadRefName, RemoteHidesRef.
        """
        repository = self._rolled_forward(user=user)
        text = shlex.join(value) if isinstance(value, list) else str(value)
        text = text.lower() if isinstance(value, bool) else text
        verb.set_value(self._settings(), key, text, user=user, repository=repository)

    def unset(self, key: str, *, user: bool = False) -> bool:
        """Remove `key`; return False if it was not set. Raises UnknownSetting."""
        self._rolled_forward(user=user)
        return self._settings().unset(key, user=user)

    def _rolled_forward(self, *, user: bool) -> Repository | None:
        repository = self._repository()
        if repository is not None and not user:
            repository.roll_forward()
        return repository

    def _ipython_key_completions_(self) -> list[str]:
        return [*self]

    def __repr__(self) -> str:
        return f"<Config: {', '.join(self) or 'nothing is set'}>"
