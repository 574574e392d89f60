"""HDF5 metadata: the attributes of the root, read by the library in its subprocess; for Keras also the input.

    model_config  {"config": {"layers": [{"config": {"batch_shape": [null, 224, 224, 3], "dtype": "float32"}}, …]}}

Source: keras/src/legacy/saving/legacy_h5_format.py. Version 2 calls the shape batch_input_shape.
"""

from __future__ import annotations

import json
from typing import Any

from mvc.formats import hdf5
from mvc.formats.header import MAX_RANK
from mvc.formats.metadata import texts
from mvc.formats.source import Source
from mvc.model.metadata import Metadata, Port

CONFIG = "model_config"
_MAX_MARKS = 200_000
"""Brackets and commas of a configuration, at most."""
_SHAPES = ("batch_shape", "batch_input_shape")


def read(source: Source) -> Metadata:
    """Return the metadata of a file. Raises HeaderError."""
    properties = texts.Properties()
    for key, value in hdf5.attributes(source):
        if len(key) <= texts.MAX_KEY and len(value) <= texts.MAX_VALUE:
            properties.add(key, value)
    return Metadata("hdf5", tuple(_inputs(properties.values.get(CONFIG, ""))), properties=properties.values)


def _inputs(config: str) -> list[Port]:
    """Return the inputs that the layers of a Keras model declare."""
    if sum(map(config.count, "[{,")) > _MAX_MARKS:
        return []
    try:
        value = json.loads(config)
    except (ValueError, RecursionError):
        return []
    layers = _item(_item(value, "config"), "layers")
    ports = (_port(_item(layer, "config")) for layer in layers) if isinstance(layers, list) else ()
    return [port for port in ports if port is not None]


def _port(config: Any) -> Port | None:
    shapes = [shape for key in _SHAPES if isinstance(shape := _item(config, key), list)]
    if not shapes or len(shapes[0]) > MAX_RANK:
        return None
    sizes = tuple(size if type(size) is int and 0 <= size < 1 << 63 else None for size in shapes[0])
    name, dtype = _item(config, "name"), _item(config, "dtype")
    return Port(name if isinstance(name, str) else "", _DTYPES.get(str(dtype), ""), sizes)


_DTYPES = {"float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64", "uint8": "U8", "int32": "I32", "int64": "I64"}  # fmt: skip


def _item(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None
