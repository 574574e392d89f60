"""The walk over an archive: each member that is not compressed is segmented by its own format.

    bundle.tar ┬ model_config.yaml                    not weights: left to the gaps
               ├ model_weights.ckpt ─ torch       ─►  Segment(…, "model_weights.ckpt/encoder.weight", "F32", (384, 384))
               └ extra.zip ─ zip ┬ a.onnx ─ onnx  ─►  Segment(…, "extra.zip/a.onnx/conv1.weight", …)
                                 └ b.zip              an archive in an archive in an archive is opaque

A member may keep tensors in another one beside it, as files do.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from mvc.formats.header import MAX_TEXT, Header, ordered
from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES
from mvc.formats.sniff import read_header
from mvc.formats.source import MAX_SEGMENTS, HeaderError, Source, TooLongError
from mvc.model.segment import Segment

MAX_PARSED = 4096
"""Members whose headers are parsed, at most."""
_SUFFIXES = (*WEIGHT_SUFFIXES, *(suffix for known in FORMATS.values() for suffix in known.suffixes), ".tar", ".zip")


class Member(NamedTuple):
    """A file of `size` bytes at `offset` of an archive."""

    name: str
    offset: int
    size: int


Locate = Callable[[str], Member]
"""Returns the member with a name."""


def header(format_: str, source: Source, names: Iterable[str], locate: Locate) -> Header:
    """Return the tensors of the members with these names, each located when it is needed.

    Raises HeaderError with the name of a malformed one.
    """
    by_path = {posixpath.normpath(name): name for name in names}
    return Header(format_, ordered(_segments(source, by_path, locate), source.size))


def parsed(source: Source, files: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the tensors of files that are ranges of another one; the name of each is that of its range."""
    for file in files:
        inner = _header(source, Member(file.name, file.offset, file.size))
        for segment in inner.segments if inner is not None else ():
            yield _moved(segment, file.offset, partial(_joined, file.name))


def _segments(source: Source, by_path: Mapping[str, str], locate: Locate) -> Iterator[Segment]:
    """Yield the tensors of each member; those that another member lists replace what its own header has."""
    weights = [path for path in by_path if path.lower().endswith(_SUFFIXES)]
    tensors: dict[str, tuple[Member, tuple[Segment, ...]]] = {}
    external: dict[str, tuple[Member, tuple[Segment, ...]]] = {}
    count = characters = 0
    for path in weights[:MAX_PARSED]:
        try:
            member = locate(by_path[path])
            inner = _header(source, member)
            if inner is None:
                continue
            for location, listed in inner.external.items():
                other = posixpath.normpath(posixpath.join(posixpath.dirname(path), location))
                if other in by_path:
                    holder = locate(by_path[other])
                    external[other] = holder, _listed(source, holder, listed) if inner.are_files else listed
        except TooLongError:  # the members so far have used up what may be read
            break
        tensors[path] = member, inner.segments
        count += len(inner.segments)
        characters += sum(len(path) + len(segment.name) for segment in inner.segments)
        if count > MAX_SEGMENTS or characters > MAX_TEXT:
            raise HeaderError(f"it has more than {MAX_SEGMENTS} tensors, or {MAX_TEXT >> 20} MiB of names")
    for path, (member, segments) in (tensors | external).items():
        for segment in ordered(segments, member.size):
            yield _moved(segment, member.offset, partial(_below, path))


def _moved(segment: Segment, offset: int, named: Callable[[str], str]) -> Segment:
    """Return a segment of a file that begins at `offset` of an archive, with the names that `named` gives."""
    views = tuple(view._replace(name=named(view.name)) for view in segment.views)
    return segment._replace(offset=offset + segment.offset, name=named(segment.name), views=views)


def _header(source: Source, member: Member) -> Header | None:
    try:
        return read_header(source.part(member.offset, member.size, member.name))
    except TooLongError:
        raise
    except HeaderError as error:
        raise HeaderError(f"{member.name}: {error}") from error


def _listed(source: Source, member: Member, files: tuple[Segment, ...]) -> tuple[Segment, ...]:
    part = source.part(member.offset, member.size, member.name)
    return tuple(parsed(part, ordered(files, member.size)))


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if name else ""


def _joined(name: str, inner: str) -> str:
    return f"{name}/{inner}" if name and inner else name
