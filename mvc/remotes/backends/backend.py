"""The interface of a backend (a typing protocol): the operations that a remote needs of a bucket, server or folder.

    create   create-if-absent, atomic among all clients: every commit point of a remote is one
    put      upload a finished file whose name is derived from its bytes
    read, read_range, get, list
    delete   used by garbage collection only

Names are relative to the root of the remote, with `/`. A backend does not retry; its results are these:

    absent        FileNotFoundError
    denied        RemoteDenied         never retried
    no answer     RemoteUnreachable    may be retried, after `after` seconds where the server names a delay
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mvc.model.ids import Buffer

TEMPORARY = "tmp"
"""The folder of unfinished files, on backends that rename a complete file into place."""
READ_SIZE = 4 * 1024 * 1024
"""Bytes of one read if requests are cheap: few enough to stay in the processor's cache until they are checked."""


class Outcome(enum.Enum):
    """The result of a `create`.

    TAKEN may be an attempt of the same client whose answer was lost. A caller that must distinguish them reads the name.
    """

    CREATED = "created"
    TAKEN = "taken"


class Listed(NamedTuple):
    """A name with its size in bytes and its modification time by the server's clock, in seconds since 1970."""

    name: str
    size: int
    modified: float


class Backend(abc.ABC):
    """One remote store, reached with one set of credentials. Every method may be called from several threads."""

    def __init__(self, where: str, read_size: int = READ_SIZE) -> None:
        """Take the address for messages, without secrets, and the largest read in bytes."""
        self.where = where
        self.read_size = read_size

    @abc.abstractmethod
    def create(self, name: str, body: bytes) -> Outcome:
        """Create `name` with `body`, atomically and durably, unless it exists; `body` has 1 byte to 64 KiB.

        After RemoteUnreachable it is unknown whether `name` was created.
        """

    def settle(self, folder: str) -> None:  # noqa: B027 - only the folder backend implements it
        """Make the files below `folder` durable, in case a writer was interrupted before its fsync.

        Object stores need nothing.
        """

    @abc.abstractmethod
    def put(self, name: str, source: Path) -> None:
        """Upload a local file as `name`, atomically. An existing file has the same bytes, or is replaced if its size differs."""

    @abc.abstractmethod
    def read(self, name: str, limit: int) -> bytes:
        """Return all bytes of a small file, or `limit` + 1 bytes of a longer one. Raises FileNotFoundError."""

    @abc.abstractmethod
    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer at the end of the file. Raises FileNotFoundError."""

    @abc.abstractmethod
    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """Pass the bytes of a file to `sink` in blocks, in order: at most `limit` and one block.

        Raises FileNotFoundError.
        """

    @abc.abstractmethod
    def list(self, folder: str) -> Iterator[Listed]:
        """Yield every file below a folder, in no order; nothing if the folder is absent.

        Files in TEMPORARY are listed only when that is the folder.
        """

    @abc.abstractmethod
    def delete(self, names: Sequence[str]) -> None:
        """Delete names; absent ones are ignored."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close all connections."""
