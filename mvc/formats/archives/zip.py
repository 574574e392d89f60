"""zip: an archive with weight files as members, such as a `.mar` of TorchServe. Compressed members are opaque.

Formats that are zip archives themselves (torch, npz, Keras) are recognised before it.
"""

from __future__ import annotations

from mvc.formats.archives import members
from mvc.formats.archives.members import Member
from mvc.formats.header import Header
from mvc.formats.source import MAX_DEPTH, Source, TooLongError
from mvc.formats.syntax import zip_directory


def matches(start: bytes, source: Source) -> bool:
    """Return whether it is a zip archive whose members are parsed.

    A `.distcp` file of a distributed checkpoint begins so too, but is a sequence of archives.
    """
    is_near = source.depth < MAX_DEPTH and not source.name.lower().endswith(".distcp")
    return is_near and bool(zip_directory.first_name(start, source))


def read(source: Source) -> Header:
    """Return the tensors of the members that are not compressed, none if they are too many; raise HeaderError if malformed."""
    try:
        directory = zip_directory.members(source)
    except TooLongError:
        return Header("zip", ())
    stored = {name: entry for name, entry in directory.items() if entry.stored and entry.size}

    def locate(name: str) -> Member:
        return Member(name, zip_directory.data_offset(source, stored[name]), stored[name].size)

    return members.header("zip", source, stored, locate)
