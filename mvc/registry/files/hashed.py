"""The content of a file on a registry: hashed while it is downloaded."""

from __future__ import annotations

from collections.abc import Callable

from mvc.model.ids import FileId, Hasher
from mvc.model.tree import TreeEntry
from mvc.registry.protocol import Registry, RemoteFile
from mvc.storage.progress import Progress

OTHER = FileId("")
"""The content of a file that is longer than the one it is compared with; it is not read to its end."""


def download(
    registry: Registry,
    file: RemoteFile,
    entry: TreeEntry | None,
    progress: Progress | None,
    write: Callable[[bytes], object] | None = None,
) -> tuple[FileId, int]:
    """Download a file, pass its bytes to `write`, and return its content and the bytes received.

    Stops with OTHER when the file is longer than `entry`. Raises as the registry does.
    """
    hasher, size = Hasher(), 0

    def receive(data: bytes) -> None:
        nonlocal size
        size += len(data)
        if entry is not None and size > entry.size:
            raise _TooLongError
        hasher.update(data)
        if write is not None:
            write(data)
        if progress is not None:
            progress(len(data))

    try:
        registry.download(file, receive)
    except _TooLongError:
        return OTHER, size
    return FileId(hasher.digest()), size


class _TooLongError(Exception):
    """Ends the download of a file that is longer than the one it is compared with."""
