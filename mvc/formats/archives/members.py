"""The walk over an archive: each member that is not compressed is segmented by its own format.

    bundle.tar ┬ model_config.yaml                    not weights: left to the gaps
               ├ model_weights.ckpt ─ torch       ─►  Segment(…, "model_weights.ckpt/encoder.weight", "F32", (384, 384))
               └ extra.zip ─ zip ┬ a.onnx ─ onnx  ─►  Segment(…, "extra.zip/a.onnx/conv1.weight", …)
                                 └ b.zip              an archive in an archive in an archive is opaque

A member may keep tensors in another one beside it, as files do.
"""

from __future__ import annotations

import itertools
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from mvc.formats.header import MAX_TEXT, Header, ordered
from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import Segment

MAX_PARSED = 4096
"""Members whose headers are parsed, at most."""
_SUFFIXES = (*WEIGHT_SUFFIXES, *(suffix for known in FORMATS.values() for suffix in known.suffixes), ".tar", ".zip")


class Member(NamedTuple):
    """A file of `size` bytes at `offset` of an archive."""

    name: str
    offset: int
    size: int


def header(format_: str, source: Source, members: Iterable[Member]) -> Header:
    """Return the tensors of all members. Raises HeaderError with the name of a malformed one."""
    by_name = {posixpath.normpath(member.name): member for member in members}
    return Header(format_, ordered(_segments(source, by_name), source.size))


def _segments(source: Source, members: Mapping[str, Member]) -> Iterator[Segment]:
    """Yield the tensors of each member; those in another member replace what its own header has."""
    weights = (name for name in members if name.lower().endswith(_SUFFIXES))
    own: dict[str, tuple[Segment, ...]] = {}
    external: dict[str, tuple[Segment, ...]] = {}
    characters = 0
    for name in itertools.islice(weights, MAX_PARSED):
        inner = _header(source, members[name])
        if inner is None:
            continue
        own[name] = inner.segments
        for location, segments in inner.external.items():
            external[posixpath.normpath(posixpath.join(posixpath.dirname(name), location))] = segments
        characters += sum(len(name) + len(segment.name) for segment in inner.segments)
        if characters > MAX_TEXT:
            raise HeaderError(f"its names have more than {MAX_TEXT} characters")
    for name, segments in (own | external).items():
        if name in members:
            yield from _shifted(members[name], name, segments)


def _header(source: Source, member: Member) -> Header | None:
    try:
        return read_header(source.part(member.offset, member.size, member.name))
    except HeaderError as error:
        raise HeaderError(f"{member.name}: {error}") from error


def _shifted(member: Member, name: str, segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield segments of a member as those of the archive."""
    for segment in ordered(segments, member.size):
        path = f"{name}/{segment.name}" if segment.name else ""
        yield segment._replace(offset=member.offset + segment.offset, name=path)
