"""keras: a zip archive of two JSON members and the weights, which are an HDF5 file in it.

Source: keras/src/saving/saving_lib.py, version 3. Weights that are compressed have no segments.
"""

from __future__ import annotations

from mvc.formats import hdf5, zip_directory
from mvc.formats.header import Header
from mvc.formats.source import HeaderError, Source

_WEIGHTS = "model.weights.h5"
_BEGINNINGS = ("metadata.json", "config.json", _WEIGHTS)


def matches(start: bytes, source: Source) -> bool:
    """Whether a zip archive begins with what Keras writes, and is named as Keras demands."""
    return source.name.endswith(".keras") and zip_directory.first_name(start, source) in _BEGINNINGS


def read(source: Source) -> Header:
    """The tensors of the weights; raises HeaderError where the directory lies, has no weights, or they lie."""
    weights = zip_directory.members(source).get(_WEIGHTS)
    if weights is None:
        raise HeaderError(f"it has no {_WEIGHTS}")
    if not weights.stored:
        return Header("keras", ())
    return Header("keras", hdf5.segments_at(source, zip_directory.data_offset(source, weights), weights.size))
