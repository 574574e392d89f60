"""Keras: a zip archive of two JSON members and the weights, which are an HDF5 file.

Source: keras/src/saving/saving_lib.py, version 3. Compressed weights have no segments.
"""

from __future__ import annotations

from mvc.formats import hdf5
from mvc.formats.header import Header
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import zip_directory

_WEIGHTS = "model.weights.h5"
_BEGINNINGS = ("metadata.json", "config.json", _WEIGHTS)


def matches(start: bytes, source: Source) -> bool:
    """Return whether the first member of a zip archive is Keras's, and its name ends in .keras."""
    return source.name.endswith(".keras") and zip_directory.first_name(start, source) in _BEGINNINGS


def read(source: Source) -> Header:
    """Return the tensors of the weights; raise HeaderError if the archive is malformed or has no weights."""
    weights = zip_directory.members(source).get(_WEIGHTS)
    if weights is None:
        raise HeaderError(f"it has no {_WEIGHTS}")
    if not weights.stored:
        return Header("keras", ())
    return Header("keras", hdf5.segments_at(source, zip_directory.data_offset(source, weights), weights.size))
