"""keras: a zip archive of two JSON members and the weights, which are an HDF5 file in it.

Source: keras/src/saving/saving_lib.py, version 3. Where its tensors lie is not looked for yet.
"""

from __future__ import annotations

from mvc.formats import zipdirectory
from mvc.formats.header import Header
from mvc.formats.source import HeaderError, Source

_WEIGHTS = "model.weights.h5"
_BEGINNINGS = ("metadata.json", "config.json", _WEIGHTS)


def matches(start: bytes, source: Source) -> bool:
    """Whether a zip archive begins with what Keras writes, and is named as Keras demands."""
    return source.name.endswith(".keras") and zipdirectory.first_name(start, source) in _BEGINNINGS


def read(source: Source) -> Header:
    """No tensors; raises HeaderError where the directory lies, or has no weights."""
    if _WEIGHTS not in zipdirectory.members(source):
        raise HeaderError(f"it has no {_WEIGHTS}")
    return Header("keras", ())
