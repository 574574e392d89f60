"""Layouts of weight files from their headers, or from the header of the ONNX file that refers to them.

A file with an invalid header is cut by content, as one without tensors, and a note describes the fault.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

from mvc.formats.archives import members
from mvc.formats.header import Header, ordered
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import Segment
from mvc.storage.chunks.layout import Layout, lay_out


class Note(NamedTuple):
    """The fault of a weight file whose header cannot be used."""

    path: str
    reason: str


class _External(NamedTuple):
    """The tensors of a file by another one's header; with `are_files`, ranges with files that have headers themselves."""

    format: str
    segments: tuple[Segment, ...]
    are_files: bool


class Headers:
    """The headers of the files of one commit. `notes` holds their faults."""

    def __init__(self) -> None:
        """Begin with no header."""
        self.notes: list[Note] = []
        self._external: dict[str, _External] = {}

    def expect(self, source: Source, stored_as: Mapping[str, str] | None = None) -> None:
        """Record the tensors that the file at a path keeps in other files; `stored_as` maps their paths to those of `layout`."""
        header, path = self._read(source), source.name
        if header is not None:
            for location, segments in header.external.items():
                place = posixpath.normpath(posixpath.join(posixpath.dirname(path), location))
                self._external[(stored_as or {}).get(place, place)] = _External(
                    f"{header.format}-external", segments, header.are_files
                )

    def layout(self, source: Source) -> Layout | None:
        """Return the layout of a file, whose name is its path; None for one without tensors."""
        header = self.header(source)
        return lay_out(header.format, header.segments, source.size) if header else None

    def header(self, source: Source) -> Header | None:
        """Return the tensors of a file, whose name is its path, by another file's header or its own; None without either."""
        path = source.name
        if path in self._external:
            format_, listed, are_files = self._external[path]
            try:
                segments = ordered(listed, source.size)
                segments = ordered(members.parsed(source, segments), source.size) if are_files else segments
                return Header(format_, segments)
            except HeaderError as error:
                self.notes.append(Note(path, str(error)))
        return self._read(source)

    def _read(self, source: Source) -> Header | None:
        try:
            return read_header(source)
        except HeaderError as error:
            note = Note(source.name, str(error))
            if note not in self.notes:
                self.notes.append(note)
            return None
