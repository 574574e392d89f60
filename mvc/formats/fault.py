"""Faults of weight files, by name, first bytes and header: empty, truncated, of another format, or not weights at all.

A Git LFS pointer or a saved web page is a fault too. What has no header with lengths (a pickle in a `.pt` file) cannot
be checked for truncation.
"""

from __future__ import annotations

import posixpath

from mvc.formats.header import Header
from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES, of_suffix
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source

_START = 24
_TEXT = 256
_LFS = b"version https://git-lfs"
_MARKUP = (b"<!doctype html", b"<html", b"<?xml")
_OTHER_SUFFIXES = (".distcp", ".msgpack", ".npy", ".pickle", ".tar", ".zip")
"""Suffixes of files that may hold weights in any format, but neither a pointer nor a web page."""
_PROVEN = (".onnx", ".safetensors")
"""Suffixes of formats whose magic is one byte: only a header proves them."""
_USER_BLOCK = 512
_HDF5 = FORMATS["hdf5"]


def fault(source: Source) -> str:
    """Return the fault of a file, whose name is its path, as a short clause; "" if none is known."""
    return examine(source)[0]


def examine(source: Source) -> tuple[str, Header | None]:
    """Return the fault of a file as `fault` does, and its header; None for an unknown format or a malformed file."""
    suffix = posixpath.splitext(source.name.lower())[1]
    has_weight_suffix = suffix in WEIGHT_SUFFIXES
    if has_weight_suffix and not source.size:
        return "it is empty", None
    try:
        placeholder = _placeholder(source) if has_weight_suffix or suffix in _OTHER_SUFFIXES else ""
        if placeholder:
            return placeholder, None
        header = read_header(source)
        start = source.read(0, min(_START, source.size))
        has_user_block = header is None and _has_user_block(source, suffix)
    except HeaderError as error:
        return f"it is truncated or malformed ({error})", None
    if header is not None or has_user_block or not has_weight_suffix:
        return "", header
    if not any(start):
        return "it begins with zeros", None
    if suffix in _PROVEN or not _may_begin(suffix, start):
        return f"it is truncated or not in {suffix[1:]} format", None
    return "", None


def _may_begin(suffix: str, start: bytes) -> bool:
    """Return whether a file with this suffix may begin with these bytes."""
    formats = of_suffix(suffix)
    return not formats or any(not format_.strict or format_.begins(start) for format_ in formats)


def _placeholder(source: Source) -> str:
    """Return what was saved in place of the weights, as a clause; "" if nothing is recognized."""
    start = source.read(0, min(_TEXT, source.size))
    if start.startswith(_LFS):
        return "it is a pointer of Git LFS, not the weights (`git lfs pull` fetches them)"
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_MARKUP):
        return "it is a web page or a server's error message, not the weights"
    return ""


def _has_user_block(source: Source, suffix: str) -> bool:
    """Return whether it is HDF5 after a user block, whose size is 512 bytes times a power of two."""
    if suffix not in _HDF5.suffixes:
        return False
    offset = _USER_BLOCK
    while offset + len(_HDF5.magic) <= source.size:
        if _HDF5.begins(source.read(offset, len(_HDF5.magic))):
            return True
        offset *= 2
    return False
