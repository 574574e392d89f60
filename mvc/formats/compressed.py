"""Compressed containers of weights: two versions of one have no bytes in common, however little was trained.

    best.tar.gz   1f 8b …                        ─►  gzip: `gunzip`
    best.npz      members mostly deflated         ─►  deflate: `np.savez`
    best.h5       datasets with a filter          ─►  gzip: h5py without `compression=`

Only magic bytes are read, the directory of a zip archive, and of HDF5 what its library reads for the header.
Source: RFC 1952 (gzip), RFC 1950 (zlib), RFC 8878 (zstd), the magic bytes of bzip2, xz and LZ4.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mvc import lazy
from mvc.formats.header import Header
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import zip_directory

if TYPE_CHECKING:
    from mvc.formats import hdf5
else:
    hdf5 = lazy.Module("mvc.formats.hdf5")

SMALLEST = 1 << 20
"""Bytes of a file from which its compression is worth a word."""
_START = 8
_SHARE = 0.5
"""The share of a file that is compressed, at least."""
_STREAMS = (
    (re.compile(rb"\x1f\x8b\x08"), "gzip", "`gunzip`"),
    (re.compile(rb"BZh[1-9]1AY&"), "bzip2", "`bunzip2`"),
    (re.compile(rb"\xfd7zXZ\x00"), "xz", "`unxz`"),
    (re.compile(rb"\x28\xb5\x2f\xfd"), "zstd", "`unzstd`, or the writer without a compressor"),
    (re.compile(rb"\x04\x22\x4d\x18"), "lz4", "`unlz4`"),
)
"""Magic bytes of compressed streams, their names, and how to save without."""
_PICKLES = (".joblib", ".pickle", ".pkl", ".z")
_ZLIB = 0x78
_ZLIB_CHECK = 31
_ADVICE = {
    ".npz": "`np.savez` instead of `np.savez_compressed`",
    ".keras": "`unzip`, then `zip -0`",
    ".mar": "`unzip`, then `zip -0`",
}
_ZIPPED = "`zip -0`"
_HDF5 = "h5py without `compression=`"
_FILTERS = {"deflate": "gzip"}
"""Names of HDF5 filters that h5py calls otherwise."""


class Compression(NamedTuple):
    """The method that a file is compressed by, and what saves it without."""

    method: str
    instead: str

    @property
    def reason(self) -> str:
        """The method and its consequence, as a short clause."""
        return f"compressed by {self.method}, so each version costs its whole size; to save it without: {self.instead}"


def compression(source: Source, header: Header | None) -> Compression | None:
    """Return how most of a file is compressed; None if it is not, or if it is small.

    `header` is the file's, None for an unknown format. A malformed file counts as not compressed.
    """
    if source.size < SMALLEST:
        return None
    tensors = sum(segment.size for segment in header.segments) if header is not None else 0
    if tensors >= _SHARE * source.size:
        return None
    try:
        if header is not None and header.format == "hdf5":
            return _of_hdf5(source)
        return _of_stream(source) or _of_zip(source)
    except HeaderError:
        return None


def _of_stream(source: Source) -> Compression | None:
    start = source.read(0, _START)
    for magic, method, instead in _STREAMS:
        if magic.match(start):
            return Compression(method, instead)
    is_zlib = start[0] == _ZLIB and not int.from_bytes(start[:2], "big") % _ZLIB_CHECK
    if is_zlib and source.name.lower().endswith(_PICKLES):
        return Compression("zlib", "`joblib.dump` without `compress=`")
    return None


def _of_zip(source: Source) -> Compression | None:
    if source.read(0, 2) != b"PK":
        return None
    sizes = [member.size for member in zip_directory.members(source).values() if not member.stored]
    if sum(sizes) < _SHARE * source.size:
        return None
    instead = next((text for suffix, text in _ADVICE.items() if source.name.lower().endswith(suffix)), _ZIPPED)
    return Compression("deflate", instead)


def _of_hdf5(source: Source) -> Compression | None:
    sizes = hdf5.filters(source)
    if sum(sizes.values()) < _SHARE * source.size:
        return None
    method = max(sizes, key=lambda name: sizes[name])
    return Compression(_FILTERS.get(method, method), _HDF5)
