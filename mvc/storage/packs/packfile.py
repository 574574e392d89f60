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
"""Packs kept open at most, beside those being read at the moment."""


class PackFile:
    """One pack, open for reading. `size` is in bytes, `name` is below `.mvc`."""

    def __init__(self, door: StoreDoor, name: str) -> None:
        """Open `name`; raises Missing, and Damaged where it cannot be read."""
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
        """Return exactly `size` bytes; raise Damaged where the file ends before, or the disk fails twice."""
        try:
            data = self._read(offset, size)
        except OSError:
            try:  # a disk that failed once may still deliver
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
        """Close it: the last of the threads that read it lets it go. At the end of a run the module `os` may be gone."""
        if self._fd >= 0:
            try:  # noqa: SIM105 - and so may other modules
                close(self._fd)
            except OSError:
                pass


class PackFiles:
    """The packs that were read last, kept open; safe to use from several threads."""

    def __init__(self, door: StoreDoor, limit: int = OPEN) -> None:
        """Keep at most `limit` open."""
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
        """Open the file anew the next time: another may have taken its name."""
        with self._lock:
            self._files.pop(name, None)
