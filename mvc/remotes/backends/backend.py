"""A backend: one place in a bucket, on a server or in a folder, and the few things that a remote needs of it.

    create   a name that is free, or is told that it is taken: atomic among all clients, the one thing everything rests on
    put      a finished file under a name that says what is in it
    read, read_range, get, list
    delete   which only a collection does

Names are relative to the place, with `/`. Nothing here retries or decides: an adapter says what happened, in these terms.

    absent        FileNotFoundError
    refused       RemoteDenied         never tried again
    out of reach  RemoteUnreachable    may be tried again, after `after` seconds where the server says when
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mvc.model.ids import Buffer

TEMPORARY = "tmp"
"""Where files lie that are being written, on backends where a file gets its name when it is whole."""
READ_SIZE = 4 * 1024 * 1024
"""Bytes of one read, where a request costs next to nothing: few, and they are still in the processor's cache when checked."""


class Outcome(enum.Enum):
    """What became of a `create`.

    TAKEN is no verdict: a try whose answer was lost may have made the name. Whoever must know reads back what is there.
    """

    CREATED = "created"
    TAKEN = "taken"


class Listed(NamedTuple):
    """A name with its size in bytes, and when it was written by the server's clock, in seconds since 1970."""

    name: str
    size: int
    modified: float


class Backend(abc.ABC):
    """One place, reached with one set of credentials. Every method may be called from several threads."""

    def __init__(self, where: str, read_size: int = READ_SIZE) -> None:
        """`where` is the place as messages name it, without secrets; `read_size` the most bytes to ask it for at once."""
        self.where = where
        self.read_size = read_size

    @abc.abstractmethod
    def create(self, name: str, body: bytes) -> Outcome:
        """Have `name` hold `body`, whole and durable, unless it exists; `body` is not empty, and at most 64 KiB.

        RemoteUnreachable leaves open whether it was made.
        """

    def settle(self, folder: str) -> None:  # noqa: B027 - only a folder has something to do
        """Make names below `folder` durable that a writer which was stopped may have left otherwise; nothing where a store does so."""

    @abc.abstractmethod
    def put(self, name: str, source: Path) -> None:
        """Have `name` hold the bytes of a local file: whole, or not at all. What is there already has the same bytes."""

    @abc.abstractmethod
    def read(self, name: str, limit: int) -> bytes:
        """All bytes of a small file; of a longer one `limit` and one more. Raises FileNotFoundError."""

    @abc.abstractmethod
    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """`size` bytes from `offset`, fewer where the file ends. Raises FileNotFoundError."""

    @abc.abstractmethod
    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """Give the bytes of a file to `sink`, block by block, in order; at most `limit` and one block. FileNotFoundError."""

    @abc.abstractmethod
    def list(self, folder: str) -> Iterator[Listed]:
        """Everything below a folder, as it is now, in no order; nothing where there is no such folder.

        What lies in TEMPORARY is listed when that is the folder, and never else.
        """

    @abc.abstractmethod
    def delete(self, names: Sequence[str]) -> None:
        """Remove names; absent already is fine."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let connections go."""
