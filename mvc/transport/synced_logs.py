"""The logs that have the same entries here and on a remote, kept in the cache so that these are read once.

cache/<name>/<digest of the remote's address>   {"refs/helmets/published/…": [entries there, entries here], …}
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from mvc import errors
from mvc.formats.syntax import foreign_json
from mvc.model.ids import digest
from mvc.remotes.remote import Remote
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.reflog import RefName


class SyncedLogs:
    """The logs with equal entries on both sides; a log only grows, so the number of its entries identifies its state."""

    def __init__(self, door: StoreDoor, name: str, remote: Remote, count: Callable[[RefName], int]) -> None:
        """Read the cache `name` for `remote`; `count` returns the number of entries of a log here."""
        self._door = door
        self._path = f"cache/{name}/{digest(remote.backend.where.encode())}"
        self._count = count
        self._stored = self._read()
        self._numbers = dict(self._stored)

    def has(self, log: RefName, there: int) -> bool:
        """Return whether a log with so many entries there has the same ones here."""
        return there > 0 and self._numbers.get(log.folder) == [there, self._count(log)]

    def is_sent(self, log: RefName) -> bool:
        """Return whether every entry here was there when the log was last compared."""
        return self._numbers.get(log.folder, [0, 0])[1] == self._count(log)

    def known(self, log: RefName) -> int:
        """Return how many of the first entries there are here."""
        there, here = self._numbers.get(log.folder, [0, 0])
        return there if here <= self._count(log) else 0

    def add(self, log: RefName, there: int) -> None:
        """Record that a log has the same entries on both sides."""
        self._numbers[log.folder] = [there, self._count(log)]

    def check(self, listed: Mapping[str, int]) -> None:
        """Forget the logs of which a remote, as listed, has lost entries."""
        self._numbers = {folder: pair for folder, pair in self._numbers.items() if listed.get(folder, 0) >= pair[0]}

    def save(self) -> None:
        """Write the cache, if it has changed."""
        if self._numbers != self._stored:
            self._door.cache(self._path, json.dumps(self._numbers, sort_keys=True).encode())

    def _read(self) -> dict[str, list[int]]:
        try:
            numbers = foreign_json.loads(self._door.read(self._path))
        except (OSError, ValueError, errors.Damaged):
            return {}
        found = numbers.items() if isinstance(numbers, dict) else ()
        return {
            folder: pair
            for folder, pair in found
            if isinstance(pair, list) and [type(number) for number in pair] == [int, int]
        }
