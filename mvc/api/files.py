"""The files of a version and their tensors, read on demand."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mvc import errors, lazy
from mvc.api.session import Session
from mvc.model.ids import FileId
from mvc.model.segment import Segment
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain.cat import Content
from mvc.repository import revisions, tensors
from mvc.transport import promises
from mvc.transport.file_reader import FileReader

if TYPE_CHECKING:
    import numpy as np

_BUFFER = 1 << 20


class Tensor:
    """A tensor of a file; its bytes are read by `read` and `numpy` only."""

    def __init__(self, file: File, segment: Segment) -> None:
        """Describe `segment` of `file`."""
        self._file = file
        self.name = segment.name
        self.dtype = segment.dtype
        self.shape = segment.shape
        self.strides = segment.strides
        self.offset = segment.offset
        self.size = segment.size

    def read(self) -> bytes:
        """Return the tensor's bytes; read or fetch only the chunks that contain them."""
        with FileReader(self._file.session.repository, self._file.id) as reader:
            return reader.read_range(self.offset, self.size)

    def numpy(self) -> np.ndarray[Any, Any]:
        """Return the tensor as an array. Raises NoNumpyDtype for a dtype that numpy lacks, such as BF16."""
        kind = _NUMPY.get(self.dtype)
        if kind is None or self.shape is None:
            known = ", ".join(_NUMPY)
            raise errors.NoNumpyDtype(tensor=self.name, dtype=self.dtype or "unknown", known=known)
        numpy, data = lazy.load("numpy"), self.read()
        if self.strides is None:
            array: np.ndarray[Any, Any] = numpy.frombuffer(data, dtype=kind).reshape(self.shape)
            return array
        width = numpy.dtype(kind).itemsize
        view: np.ndarray[Any, Any] = numpy.ndarray(self.shape, kind, data, 0, [width * step for step in self.strides])
        return view

    def __repr__(self) -> str:
        return f"<Tensor {self.name} {self.dtype} {'x'.join(map(str, self.shape or ()))}>"


_NUMPY = {
    "BOOL": "?", "U8": "<u1", "I8": "<i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8", "F64": "<f8",
    "C64": "<c8", "C128": "<c16",
}  # fmt: skip
"""numpy's names of the dtypes that it has."""


class File:
    """One file of a version: its path in the model's folder, its role, its size in bytes, its id."""

    def __init__(self, session: Session, entry: TreeEntry) -> None:
        """Hold the file of a tree's `entry`."""
        self.session = session
        self.entry = entry
        self.name = entry.path
        self.role = entry.role
        self.size = entry.size
        self.id: FileId = entry.file

    def open(self) -> io.BufferedReader:
        """Open the file for reading bytes; fetch and decode only the chunks that are read. Raises Missing, Damaged."""
        return io.BufferedReader(_Raw(self.session, self.id), _BUFFER)

    def read(self) -> bytes:
        """Return all bytes of the file, verified. Raises Missing, Damaged."""
        return b"".join(self._content().pieces)

    def path(self) -> Path:
        """Return the path of a temporary copy, which is deleted with the repository object."""
        return self.session.copy(self._content())

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The file's tensors by name, none if they are unknown; no weights are read."""
        return {
            each.name: Tensor(self, each) for each in tensors.stored(self.session.repository, self.entry) if each.name
        }

    def _content(self) -> Content:
        repository = self.session.repository
        promises.ensure_present(repository, [self.entry])
        return Content(self.name, self.size, self.id, repository.extract.stream(self.id))

    def __repr__(self) -> str:
        return f"<File {self.role} {self.name} {self.size} bytes>"


class Files(Mapping[str, File]):
    """The files of a version by role or path; one with two roles occurs twice. Raises NotInVersion, RoleHasMany."""

    def __init__(self, session: Session, tree: Tree, version: str) -> None:
        """Hold the files of a version; `version` names it in errors."""
        self._session = session
        self._tree = tree
        self._version = version

    def __getitem__(self, name: str) -> File:
        entry = revisions.find_file(self._tree, name, self._version.rpartition(" ")[2])
        return File(self._session, entry)

    def __iter__(self) -> Iterator[str]:
        return (entry.role for entry in self._tree.entries)

    def __len__(self) -> int:
        return len(self._tree.entries)

    def __contains__(self, name: object) -> bool:
        tree = self._tree
        return name in tree.by_role or (isinstance(name, str) and name.removeprefix("./") in tree.by_path)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the file with that role or path, else `default`."""
        return self[name] if name in self else default  # noqa: SIM401 - this is `get`

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __repr__(self) -> str:
        return f"<Files of {self._version}: {', '.join(self)}>"


class _Raw(io.RawIOBase):
    """A stored file as a stream."""

    def __init__(self, session: Session, file: FileId) -> None:
        self._reader = FileReader(session.repository, file)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size}[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._reader.read_range(self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()
