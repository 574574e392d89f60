"""Open packs: a bounded number of descriptors, each shared by all threads and closed when its last reader is done."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable

from mvc import errors
from mvc.model.ids import PackId
from mvc.storage.disk.door import StoreDoor

OPEN = 64
"""The most packs that are kept open, not counting those being read."""


class PackFile:
    """One pack, open for reading. `size` is in bytes, `name` is below `.mvc`."""

    def __init__(self, door: StoreDoor, name: str) -> None:
        """Open `name`. Raises Missing, and Damaged if it cannot be read."""
        self.name = name
        self.id = PackId(name.rpartition("/")[2].removesuffix(".pack"))
        self._fd = -1
        try:
            self._fd = door.open(name)
            self.size = os.fstat(self._fd).st_size
        except FileNotFoundError:
            raise errors.Missing(what="pack", id=name) from None
        except OSError as error:
            raise errors.Damaged(what=name, reason=error.strerror or str(error)) from error

    def read(self, offset: int, size: int) -> bytes:
        """Return exactly `size` bytes; raise Damaged if the file is truncated, or the disk fails twice."""
        try:
            data = self._read(offset, size)
        except OSError:
            try:  # a retry may succeed
                data = self._read(offset, size)
            except OSError as error:
                raise errors.Damaged(what=self.name, reason=error.strerror or str(error)) from error
        if len(data) != size:
            raise errors.Damaged(what=self.name, reason=f"it ends before byte {offset + size}")
        return data

    def _read(self, offset: int, size: int) -> bytes:
        data = os.pread(self._fd, size, offset)
        while len(data) < size and (more := os.pread(self._fd, size - len(data), offset + len(data))):
            data += more
        return data

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        """Close the pack after its last reader. At interpreter exit, the module `os` may be gone."""
        if self._fd >= 0:
            try:  # noqa: SIM105 - contextlib may be gone, too
                close(self._fd)
            except OSError:
                pass


class PackFiles:
    """A cache of open packs, least recently used closed first; safe to use from several threads."""

    def __init__(self, door: StoreDoor, limit: int = OPEN) -> None:
        """Keep at most `limit` packs open."""
        self._door = door
        self._limit = limit
        self._files: OrderedDict[str, PackFile] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str) -> PackFile:
        """Return the open pack `name`; raise Missing, Damaged."""
        with self._lock:
            file = self._files.get(name)
            if file is None:
                file = self._files[name] = PackFile(self._door, name)
                if len(self._files) > self._limit:
                    self._files.popitem(last=False)
            else:
                self._files.move_to_end(name)
            return file

    def forget(self, name: str) -> None:
        """Open the file again on the next use: its name may refer to another file."""
        with self._lock:
            self._files.pop(name, None)
