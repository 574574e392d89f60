"""The contents of plain files: ids, tensors, short texts and the values of a model.toml; each file is read as a stream."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.formats.fault import examine
from mvc.formats.known import describing
from mvc.formats.metadata import licenses, reader
from mvc.formats.source import HeaderError, Source
from mvc.intake.plain import files
from mvc.intake.plain.files import LeftOut, Plain, PlainFile
from mvc.model.ids import FileId
from mvc.model.labelmap import Labelmap
from mvc.model.licenses.claim import Claim
from mvc.model.manifest import Manifest
from mvc.model.paths import escape_name
from mvc.model.toml import parse
from mvc.repository import tensors
from mvc.repository.parts import MODEL_TOML
from mvc.repository.record.scan_command import ScanCommand
from mvc.repository.tensors import Side
from mvc.repository.worktree.value_reader import ValueReader
from mvc.scan import opinion
from mvc.scan.scan import scan_file
from mvc.scan.verdict import Report
from mvc.storage.chunks.headers import Headers
from mvc.storage.disk import confined, hashing


@contextlib.contextmanager
def _open(file: PlainFile) -> Iterator[int]:
    fd = files.opened(file)
    try:
        yield fd
    except OSError as error:
        raise errors.UnreadablePath(path=file.path, reason=error.strerror or str(error)) from error
    finally:
        os.close(fd)


class Contents:
    """The contents of the files at one path. `notes` are faults that hide tensors or values."""

    def __init__(self, plain: Plain) -> None:
        """Read nothing yet."""
        self._plain = plain
        self._headers = Headers()
        self._notes: list[LeftOut] = []
        self._faults: dict[str, LeftOut] = {}

    @property
    def notes(self) -> tuple[LeftOut, ...]:
        """The paths whose tensors or values cannot be read, with reasons."""
        others = (LeftOut(*note) for note in self._headers.notes if note.path not in self._faults)
        return (*self._notes, *self._faults.values(), *others)

    def file_id(self, file: PlainFile) -> FileId:
        """Return the id of the bytes. Raises UnreadablePath, FileChanged."""
        with _open(file) as fd:
            return hashing.file_id(fd)

    def start(self, file: PlainFile, limit: int) -> bytes:
        """Return the first bytes, at most `limit`. Raises UnreadablePath, FileChanged."""
        with _open(file) as fd:
            return os.pread(fd, limit, 0)

    def expect(self, chosen: Iterable[PlainFile]) -> None:
        """Read the headers of the files that may list tensors of the `chosen` ones."""
        names = {self._name(file): file for file in chosen}
        around = {file.path: file for file in self._around(names.values())}
        for path in describing(around, names) - names.keys():
            with contextlib.suppress(errors.MvcError), _open(around[path]) as fd:
                self._headers.expect(Source.of(fd, path))

    def licenses(self, file: PlainFile) -> tuple[Claim, ...]:
        """Return what a file says about its license. Raises UnreadablePath, FileChanged."""
        name = self._name(file)
        if not licenses.is_possible(name):
            return ()
        with _open(file) as fd:
            return licenses.read(Source.of(fd, name))

    def scan(self, file: PlainFile, command: ScanCommand | None = None) -> Report:
        """Return what a loader of a file would run, and what a program says about it. Raises UnreadablePath, FileChanged."""
        folder = os.path.dirname(file.place)

        def beside(path: str) -> str:
            place = os.path.join(folder, path)
            return "link" if os.path.islink(place) else "file" if os.path.isfile(place) else ""

        with _open(file) as fd:
            source = Source.of(fd, self._name(file))
            report = scan_file(source, beside=beside)
            return report if command is None else opinion.joined(report, command.finding(source, Path(file.place)))

    def tensors(self, file: PlainFile) -> Side | None:
        """Return the tensors of a file with the digests of their bytes; None if they are unknown. Raises as `file_id`."""

        def read_at(offset: int, size: int) -> bytes:
            with _open(file) as fd:
                data = os.pread(fd, size, offset)
            if len(data) != size:
                raise errors.FileChanged(path=file.path)
            return data

        name, size = self._name(file), file.stat.size
        found = tensors.side_of(self._headers, Source(read_at, size, name), read_at)
        if found is None or self._plain.folder is None:
            self._explain(file, Source(read_at, size, name))
        return found

    def classes(self, file: PlainFile) -> Labelmap:
        """Return the classes that the metadata of a file names, none for a malformed one. Raises as `file_id`."""
        with _open(file) as fd, contextlib.suppress(HeaderError):
            metadata = reader.read(Source.of(fd, self._name(file)))
            return metadata.classes if metadata is not None else ()
        return ()

    @cached_property
    def manifest(self) -> Manifest | None:
        """The values of the model.toml that is in the folder, or is the file; None for none, or an invalid one."""
        file = self.model_toml
        if file is None:
            return None
        folder = Path(file.place).parent
        try:
            data = self.start(file, parse.MAX_BYTES + 1)
            return parse.parse(data, where=file.path, reader=ValueReader(_Place(folder), ""))
        except errors.MvcError as error:
            self._notes.append(LeftOut(file.path, error.message.rstrip(".")))
            return None

    @property
    def model_toml(self) -> PlainFile | None:
        """The file that has the values."""
        if self._plain.folder is not None:
            return self._plain.files.get(MODEL_TOML)
        (file,) = self._plain.files.values()
        return file if os.path.basename(file.place) == MODEL_TOML else None

    def _name(self, file: PlainFile) -> str:
        """Return the path by which headers name a file: from the folder, or from the one that it is in."""
        return os.path.basename(file.path) if self._plain.folder is None else file.path

    def _explain(self, file: PlainFile, source: Source) -> None:
        """Note why tensors of a file are not listed, if it says so: a fault, or other files that hold them."""
        reason, header = examine(source)
        if header is not None and header.external and self._plain.folder is None:
            places = ", ".join(map(escape_name, header.external))
            reason = f"tensors of it are in other files ({places}); name its folder to see them"
        if reason:
            self._faults[source.name] = LeftOut(file.path, reason)

    def _around(self, chosen: Iterable[PlainFile]) -> Iterator[PlainFile]:
        if self._plain.folder is not None:
            yield from self._plain.files.values()
        else:
            yield from (each for file in chosen for each in files.beside(file))


class _Place(NamedTuple):
    """A folder whose value files are read, none through a link."""

    folder: Path

    @property
    def tree(self) -> _Place:
        """Itself: it has the files."""
        return self

    def open(self, path: str) -> int:
        """Return a descriptor of a regular file below the folder. Raises IrregularFile, UnsafePath, OSError."""
        return confined.open_regular(confined.Inside(self.folder).text(path))
