"""The backend of a folder on an SSH server, over SFTP.

A file is renamed into place by SFTP's plain rename, which fails if the name exists. OpenSSH's posix-rename, which replaces,
is used only for an incomplete pack, which a server crash may leave. In a folder that a group shares, new files and folders
follow its mode instead of the server's umask, as `mvc.storage.disk.permissions` has it for folders of this machine.
"""

from __future__ import annotations

import contextlib
import posixpath
import stat as stat_module
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mvc import errors, lazy
from mvc.model.ids import Buffer
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.backend import TEMPORARY, Backend, Listed, Outcome
from mvc.remotes.backends.sftp_session import Login, Session, failures

_BLOCK = 1024 * 1024
_PIECE = 32 * 1024
_SHARED = stat_module.S_IWGRP | stat_module.S_ISGID
"""The mode bits of a folder that a group shares: it may write there, and owns what is new."""
_READ = 0o444


def connect(address: Address, options: Mapping[str, str]) -> Backend:
    """Return the backend for the folder of an address. It connects on first use. Raises BadSetting."""
    return SftpBackend(address, Login.of(address, options))


class SftpBackend(Backend):
    """A folder on a server, with a connection for each thread."""

    def __init__(self, address: Address, login: Login) -> None:
        """Use the folder of `address`, which need not exist."""
        super().__init__(address.text)
        self._root = address.path
        self._login = login
        self._mine = threading.local()
        self._all: list[Session] = []
        self._listing = threading.Lock()
        self._mode: int | None = None

    def create(self, name: str, body: bytes) -> Outcome:
        """As Backend."""
        with self._session() as session:
            return self._publish(session, name, iter([body]))

    def put(self, name: str, source: Path) -> None:
        """As Backend."""
        with open(source, "rb") as file, self._session() as session:
            self._publish(session, name, iter(lambda: file.read(_BLOCK), b""), source.stat().st_size)

    def read(self, name: str, limit: int) -> bytes:
        """As Backend."""
        return self.read_range(name, 0, limit + 1)

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        """As Backend. All pieces are requested at once: each would cost a round trip of its own otherwise."""
        with self._open(name) as (file, whole):
            size = min(size, whole - offset)
            return b"".join(file.readv([(offset, size)])) if size > 0 else b""

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        """As Backend."""
        with self._open(name) as (file, whole):
            file.prefetch(min(whole, limit + 1))
            given = 0
            while given <= limit and (block := file.read(_BLOCK)):
                sink(block)
                given += len(block)

    def list(self, folder: str) -> Iterator[Listed]:
        """As Backend; links are not listed."""
        pending = [folder]
        while pending:
            above = pending.pop()
            for entry in self._entries(above):
                name = posixpath.join(above, entry.filename)
                if stat_module.S_ISDIR(entry.st_mode) and name != TEMPORARY:
                    pending.append(name)
                elif stat_module.S_ISREG(entry.st_mode):
                    yield Listed(name, entry.st_size, float(entry.st_mtime))

    def delete(self, names: Sequence[str]) -> None:
        """As Backend; folders stay, since another client may be about to write into them."""
        with self._session() as session:
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    session.files.remove(self._path(name))

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._listing:
            sessions, self._all = self._all, []
        for session in sessions:
            session.close()

    # --- inside

    def _path(self, name: str) -> str:
        return posixpath.join(self._root, name) if name else self._root

    @contextlib.contextmanager
    def _session(self) -> Iterator[Session]:
        session: Session | None = getattr(self._mine, "session", None)
        if session is None or not session.is_alive():
            session = self._mine.session = Session(self._login)
            with self._listing:
                self._all.append(session)
        try:
            with failures(self.where, self._login):
                yield session
        except errors.RemoteUnreachable:  # the connection may hang although it looks alive: the next call reconnects
            session.close()
            raise

    def _entries(self, folder: str) -> Sequence[Any]:
        with self._session() as session:
            try:
                entries: Sequence[Any] = session.files.listdir_attr(self._path(folder))
                return entries
            except FileNotFoundError:
                return []

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator[tuple[Any, int]]:
        """Yield the open file and its size.

        Anything but a regular file is damage. SFTP cannot open a file without following links, so its type is read
        first.
        """
        with self._session() as session:
            path = self._path(name)
            found = session.files.lstat(path)
            if not stat_module.S_ISREG(found.st_mode):
                raise errors.Damaged(what=f"{name} in {self.where}", reason="it is not a regular file")
            with session.files.open(path, "rb", _PIECE) as file:
                _silence(file)
                yield file, found.st_size

    def _publish(self, session: Session, name: str, blocks: Iterator[bytes], size: int | None = None) -> Outcome:
        """Upload a file and rename it into place. An existing file is kept, unless its size differs from `size`."""
        temporary, target = self._path(f"{TEMPORARY}/{uuid.uuid4().hex}"), self._path(name)
        mode = self._shared_mode(session.files)
        for folder in (posixpath.dirname(temporary), posixpath.dirname(target)):
            _make_folder(session.files, folder, mode)
        try:
            _write(session, temporary, blocks, mode)
            outcome = _rename(session.files, temporary, target)
            if outcome is Outcome.TAKEN and size not in (None, session.files.lstat(target).st_size):
                self._replace(session, name, temporary)
            return outcome
        finally:
            with contextlib.suppress(OSError):
                session.files.remove(temporary)

    def _shared_mode(self, files: Any) -> int:
        """Return the mode of the remote's folder if a group shares it, else 0; before it exists, that of the folder above."""
        if self._mode is None:
            try:
                found = files.stat(self._root).st_mode
            except FileNotFoundError:
                with contextlib.suppress(FileNotFoundError):
                    return _if_shared(files.stat(posixpath.dirname(self._root)).st_mode)
                return 0
            self._mode = _if_shared(found)
        return self._mode

    def _replace(self, session: Session, name: str, temporary: str) -> None:
        try:
            session.files.posix_rename(temporary, self._path(name))
        except OSError as error:
            if not isinstance(error, PermissionError) and "unsupported" not in str(error).lower():
                raise
            reason = f"{name} is truncated on the server, and this key may not replace it"
            raise errors.RemoteDenied(remote=self.where, reason=reason) from error


def _silence(file: Any) -> None:
    """Let the prefetching thread of a file end without a traceback if the connection is lost.

    The reader gets the error. paramiko offers no other hook than that thread's method.
    """
    ask = file._prefetch_thread  # noqa: SLF001

    def asked(*arguments: Any) -> None:
        with contextlib.suppress(lazy.load("paramiko").SSHException, OSError, EOFError):
            ask(*arguments)

    file._prefetch_thread = asked  # noqa: SLF001


def _if_shared(mode: int | None) -> int:
    return stat_module.S_IMODE(mode) if mode is not None and mode & _SHARED == _SHARED else 0


def _write(session: Session, path: str, blocks: Iterator[bytes], mode: int = 0) -> None:
    """Write a new file, durable when this returns; of a folder with a shared `mode`, its group may only read it.

    Blocks are sent without waiting for answers; the last byte waits and collects the answers to all of them. paramiko
    would lose an error that came after the last write.
    """
    with session.files.open(path, "wx") as file:
        if mode:
            with contextlib.suppress(OSError):  # a server may forbid it
                file.chmod(_READ & mode)
        last = next(blocks, b"")
        file.set_pipelined(True)
        for block in blocks:
            file.write(last)
            last = block
        file.write(last[:-1])
        file.set_pipelined(False)
        file.write(last[-1:])
        session.sync(file)


def _rename(files: Any, temporary: str, target: str) -> Outcome:
    """Rename a file unless the target exists.

    SFTP answers "Failure" to that as to much else, so the target is looked up.
    """
    try:
        files.rename(temporary, target)
    except FileNotFoundError:
        raise
    except OSError:
        if not _exists(files, target):
            raise
        return Outcome.TAKEN
    return Outcome.CREATED


def _make_folder(files: Any, path: str, mode: int) -> None:
    """Create a folder and those above it; with a shared `mode` for the group, if the server lets that be set."""
    if _exists(files, path):
        return
    _make_folder(files, posixpath.dirname(path), mode)
    try:
        files.mkdir(path)
    except OSError:
        if not _exists(files, path):  # otherwise another client created it
            raise
        return
    if mode:
        with contextlib.suppress(OSError):
            files.chmod(path, mode)


def _exists(files: Any, path: str) -> bool:
    try:
        files.lstat(path)
    except FileNotFoundError:
        return False
    return True
