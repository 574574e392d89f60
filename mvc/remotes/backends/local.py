"""The backend of a folder, on this disk or a mounted one.

A complete, durable file is renamed into place by an operation that fails if the name exists. Only regular files are read,
and no link is followed: the folder may be somebody else's.
"""

from __future__ import annotations

import contextlib
import os
import stat as stat_module
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mvc import errors
from mvc.model.ids import Buffer
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import TEMPORARY, Backend, Listed, Outcome
from mvc.storage.disk import primitives
from mvc.storage.disk.door import StoreDoor

_BLOCK = 1024 * 1024


def connect(address: Address, _: Mapping[str, str]) -> Backend:
    """Return the backend for the folder of an address, which is created by the first write. It has no settings."""
    return LocalBackend(Path(address.path))


class LocalBackend(Backend):
    """A folder."""

    def __init__(self, root: Path) -> None:
        """Use the folder `root`, which need not exist."""
        super().__init__(str(root))
        self._door = StoreDoor(root)

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend: atomic on filesystems with hard links or exclusive renames, refused on others."""
        with self._writing():
            made = self._door.publish(name, lambda temporary: temporary.write(body), exclusive=True)
            return Outcome.CREATED if made else Outcome.TAKEN

    def put(self, name: str, source: Path) -> None:
        """As Backend."""
        with self._writing():
            self._door.publish(name, lambda temporary: temporary.copy(source), exclusive=False)

    def settle(self, folder: str) -> None:
        """As Backend."""
        below = [f"{folder}/{name}" for name in self._door.names(folder)]
        with self._writing():
            self._door.make_durable(folder, *(name for name in below if self._door.path(name).is_dir()))
            self._door.barrier()

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        with self._open(name) as fd:
            return _read(fd, 0, limit + 1)

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend."""
        with self._open(name) as fd:
            return _read(fd, offset, size)

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend."""
        with self._open(name) as fd:
            offset = 0
            while offset <= limit and (block := _read(fd, offset, _BLOCK)):
                sink(block)
                offset += len(block)

    def list(self, folder: str) -> Iterator[Listed]:
        """As Backend."""
        for above, folders, files in os.walk(self._door.folder(folder), onerror=self._unlistable):
            if above == self.where and TEMPORARY in folders:
                folders.remove(TEMPORARY)
            for file in files:
                listed = self._listed(os.path.join(above, file))
                if listed is not None:
                    yield listed

    def delete(self, names: Sequence[str]) -> None:
        """As Backend."""
        with self._writing():
            self._door.remove_all(names, keep_folders=True)

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _listed(self, path: str) -> Listed | None:
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return None
        if not stat_module.S_ISREG(found.st_mode):
            return None
        return Listed(os.path.relpath(path, self.where).replace(os.sep, "/"), found.st_size, found.st_mtime)

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[int]:
        try:
            fd = self._door.open(name)
        except FileNotFoundError:
            raise FileNotFoundError(name) from None
        except errors.IrregularFile as error:
            if isinstance(error.__cause__, NotADirectoryError):
                raise FileNotFoundError(name) from None
            raise
        except OSError as error:
            raise self._failure(error, name) from error
        try:
            yield fd
        except OSError as error:
            raise self._failure(error, name) from error
        finally:
            os.close(fd)

    def _failure(self, error: OSError, name: str) -> errors.MvcError:
        reason = f"{name}: {error.strerror or error}"
        if isinstance(error, PermissionError):
            return errors.RemoteDenied(remote=self.where, reason=reason)
        return errors.RemoteUnreachable(remote=self.where, reason=reason)

    def _unlistable(self, error: OSError) -> None:
        if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise self._failure(error, error.filename or "") from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (errors.NotWritable, errors.ReadOnlyStore) as error:
            raise errors.RemoteDenied(remote=self.where, reason=error.fields["reason"]) from error
        except errors.DiskFailed as error:
            if isinstance(error.__cause__, OSError):
                primitives.refuse_other_kind(str(error.fields["path"]), error.__cause__)
            raise


def _read(fd: int, offset: int, size: int) -> bytes:
    data = os.pread(fd, size, offset)
    while data and len(data) < size and (more := os.pread(fd, size - len(data), offset + len(data))):
        data += more
    return data
