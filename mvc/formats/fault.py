"""What is wrong with a weight file, told from its name, its first bytes and its header.

Found are files that are empty, truncated, of another format than their name says, or pointers of Git LFS and web pages
that were saved in their place. A format without a header that says how long it is (pickles of old PyTorch releases) cannot be judged.
"""

from __future__ import annotations

import posixpath

from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES, of_suffix
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source

_START = 24
_TEXT = 256
_LFS = b"version https://git-lfs"
_MARKUP = (b"<!doctype html", b"<html", b"<?xml")
_OTHER_SUFFIXES = (".distcp", ".msgpack", ".npy", ".pickle", ".tar", ".zip")
"""Names of weights that may hold anything, but neither a pointer nor a web page."""
_USER_BLOCK = 512
_HDF5 = FORMATS["hdf5"]


def fault(source: Source) -> str:
    """Return what is wrong with a file, whose name is its path, as a short clause; "" where nothing is found."""
    suffix = posixpath.splitext(source.name.lower())[1]
    named = suffix in WEIGHT_SUFFIXES
    if named and not source.size:
        return "it is empty"
    try:
        stand_in = _stand_in(source) if named or suffix in _OTHER_SUFFIXES else ""
        if stand_in:
            return stand_in
        header = read_header(source)
        start = source.read(0, min(_START, source.size))
        has_user_block = header is None and _has_user_block(source, suffix)
    except HeaderError as error:
        return f"it is truncated or malformed ({error})"
    if header is not None or has_user_block or not named:
        return ""
    if not any(start):
        return "it begins with zeros"
    if suffix == ".safetensors" or not _may_begin(suffix, start):  # its magic is one byte, so only a header will do
        return f"it is truncated or no {suffix[1:]} file"
    return ""


def _may_begin(suffix: str, start: bytes) -> bool:
    """Return whether a file with the suffix may begin so."""
    formats = of_suffix(suffix)
    return not formats or any(not each.strict or each.begins(start) for each in formats)


def _stand_in(source: Source) -> str:
    """Return what was saved under the file's name in place of it, as a clause; "" where it may be the file itself."""
    start = source.read(0, min(_TEXT, source.size))
    if start.startswith(_LFS):
        return "it is a pointer of Git LFS, not the weights (`git lfs pull` fetches them)"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_MARKUP):
        return "it is a web page or a server's error message, not the weights"
    return ""


def _has_user_block(source: Source, suffix: str) -> bool:
    """Return whether it is HDF5 after a block of the user's own, whose size is 512 bytes or a multiple by a power of two."""
    if suffix not in _HDF5.suffixes:
        return False
    at = _USER_BLOCK
    while at + len(_HDF5.magic) <= source.size:
        if _HDF5.begins(source.read(at, len(_HDF5.magic))):
            return True
        at *= 2
    return False
