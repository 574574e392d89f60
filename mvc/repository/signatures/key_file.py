"""A file of public keys that ssh-keygen reads, several times in a verification; a pipe is read once, and copied for it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.storage.disk import confined

MAX_BYTES = 64 << 20
"""Bytes that are read of a pipe, at most."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The file at `path`; `data` is what one that is not a regular file gave, None for a regular one."""

    path: Path
    data: bytes | None = None

    @classmethod
    def of(cls, path: Path) -> KeyFile:
        """Return the file at `path`, and read it if that can be done once only. Raises NoSignersFile."""
        try:
            mode = path.stat().st_mode
            if stat.S_ISREG(mode):
                path.open("rb").close()
                return cls(path)
            if not stat.S_ISFIFO(mode) and os.fspath(path) != os.devnull:
                raise errors.NoSignersFile(path=path, reason=f"it is {confined.kind_of(mode)}, and no file")
            data = confined.read_given(path, MAX_BYTES + 1)
        except FileNotFoundError as error:
            reason = (
                f"it is a link to {os.readlink(path)}, which does not exist" if path.is_symlink() else error.strerror
            )
            raise errors.NoSignersFile(path=path, reason=reason) from error
        except OSError as error:
            raise errors.NoSignersFile(path=path, reason=error.strerror or str(error)) from error
        if stat.S_ISFIFO(mode) and not data:  # without the revoked keys, all would count
            raise errors.NoSignersFile(path=path, reason="it is a pipe to which nothing was written")
        if len(data) > MAX_BYTES:
            raise errors.NoSignersFile(path=path, reason=f"it gives more than {MAX_BYTES >> 20} MiB")
        return cls(path, data)

    def text(self) -> str:
        """Return the text of the file. Raises OSError."""
        data = self.data if self.data is not None else self.path.read_bytes()
        return data.decode("utf-8", "surrogateescape")

    @contextlib.contextmanager
    def on_disk(self) -> Iterator[str]:
        """Yield the path of a regular file with these keys; a copy is deleted afterwards."""
        if self.data is None:
            yield os.fspath(self.path)
            return
        with tempfile.NamedTemporaryFile(prefix="mvc-keys-") as copy:
            copy.write(self.data)
            copy.flush()
            yield copy.name
