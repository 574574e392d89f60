"""The result of a log, as a sequence of versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from mvc import display
from mvc.api.session import Session
from mvc.api.version import Version
from mvc.model import document
from mvc.porcelain.log import Logged


class Log(Sequence[Version]):
    """The versions of a log, in its order."""

    def __init__(self, session: Session, model: str, entries: Sequence[Logged]) -> None:
        """Hold the `entries` of a log of `model`."""
        self._session = session
        self.model = model
        self.entries = entries

    @overload
    def __getitem__(self, at: int) -> Version: ...
    @overload
    def __getitem__(self, at: slice) -> Log: ...
    def __getitem__(self, at: int | slice) -> Version | Log:
        if isinstance(at, slice):
            return Log(self._session, self.model, self.entries[at])
        return self._version(self.entries[at])

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Version]:
        return map(self._version, self.entries)

    def to_json(self) -> dict[str, Any]:
        """Return the document that `mvc log --json` prints, without its `schema`."""
        return {"model": self.model, "versions": document.to_json(self.entries)}

    def _version(self, entry: Logged) -> Version:
        difference = entry.changes.difference if entry.changes is not None else None
        return Version(self._session, self.model, entry.id, difference=difference)

    def __repr__(self) -> str:
        return f"<Log of {self.model}: {len(self)} version{'s' * (len(self) != 1)}>"

    def _repr_html_(self) -> str:
        return display.page(repr(self), self.to_json())
