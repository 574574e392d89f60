"""GGUF: the texts among its general pairs, such as `general.license`."""

from __future__ import annotations

from mvc.formats import gguf
from mvc.formats.source import Source
from mvc.model.metadata import Metadata

_PREFIX = "general."


def read(source: Source) -> Metadata:
    """Return the metadata of a file. Raises HeaderError."""
    return Metadata("gguf", properties=gguf.texts(source, _PREFIX))
