"""safetensors: the map `__metadata__` of the header, of texts by key."""

from __future__ import annotations

from mvc.formats import safetensors
from mvc.formats.metadata import texts
from mvc.formats.source import HeaderError, Source
from mvc.model.metadata import Metadata


def read(source: Source) -> Metadata:
    """Return the metadata of a file. Raises HeaderError."""
    values, _ = safetensors.parse(source)
    properties = texts.Properties()
    table = values.get(safetensors.METADATA, {})
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise HeaderError(f"{safetensors.METADATA} is not a map of texts")
    for key, value in table.items():
        if len(key) <= texts.MAX_KEY and len(value) <= texts.MAX_VALUE:
            properties.add(key, value)
    return Metadata("safetensors", properties=properties.values)
