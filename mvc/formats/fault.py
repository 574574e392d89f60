"""What is wrong with a weight file, told from its name, its first bytes and its header.

Found are files that are empty, truncated, of another format than their name says, or pointers that Git LFS left in
their place. A format without a header that says how long it is (pickles of old PyTorch releases) cannot be judged.
"""

from __future__ import annotations

import posixpath

from mvc.formats.sniff import WEIGHT_SUFFIXES, read_header
from mvc.formats.source import HeaderError, Source

_START = 24
_LFS = b"version https://git-lfs"
_HDF5 = b"\x89HDF"
_ZIP = b"PK"
_BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    ".gguf": (b"GGUF",),
    ".h5": (_HDF5,),
    ".hdf5": (_HDF5,),
    ".keras": (_ZIP, _HDF5),
    ".npz": (_ZIP,),
}
"""What files of these names begin with; others have no beginning of their own."""


def fault(source: Source) -> str:
    """Return what is wrong with a file, whose name is its path, as a short clause; "" where nothing is found."""
    suffix = posixpath.splitext(source.name.lower())[1]
    named = suffix in WEIGHT_SUFFIXES
    if named and not source.size:
        return "it is empty"
    try:
        header = read_header(source)
        start = source.read(0, min(_START, source.size))
    except HeaderError as error:
        return f"it is truncated or malformed ({error})"
    if header is not None or not named:
        return ""
    if start.startswith(_LFS):
        return "it is a pointer of Git LFS, not the weights (`git lfs pull` fetches them)"
    if not any(start):
        return "it begins with zeros"
    if suffix == ".safetensors" or not start.startswith(_BEGINNINGS.get(suffix, (b"",))):
        return f"it is truncated or no {suffix[1:]} file"
    return ""
