"""tar: an archive with weight files as members, such as a `.nemo` of NeMo or a bundle of PyTorch."""

from __future__ import annotations

from mvc.formats.archives import members
from mvc.formats.archives.members import Member
from mvc.formats.header import Header
from mvc.formats.source import MAX_DEPTH, Source
from mvc.formats.syntax import tar_directory


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins with the header of a member, and its members are parsed."""
    return source.depth < MAX_DEPTH and tar_directory.begins(start)


def read(source: Source) -> Header:
    """Return the tensors of the members; raise HeaderError if it is malformed."""
    entries = {entry.name: Member(*entry) for entry in tar_directory.members(source)}
    return members.header("tar", source, entries, entries.__getitem__)
