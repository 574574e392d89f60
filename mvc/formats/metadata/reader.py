"""The metadata of a file of a known format: the format by its header, then the module for it.

onnx          inputs, outputs, metadata_props
safetensors   __metadata__
hdf5          attributes, and the input of a Keras model in model_config
torch         the names of classes in a checkpoint of Ultralytics
"""

from __future__ import annotations

from mvc import lazy
from mvc.formats.header import Header
from mvc.formats.metadata import class_names
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source
from mvc.model.metadata import Metadata

_MODULES = {
    "hdf5": "hdf5_attributes",
    "onnx": "onnx_graph",
    "safetensors": "safetensors_map",
    "torch": "torch_names",
}
"""The module of each format, with a function `read(source) -> Metadata`."""


def read(source: Source, header: Header | None = None) -> Metadata | None:
    """Return the metadata, only the format if no module reads more; None for an unknown format. Raises HeaderError.

    `header` is that of the file if it was read before.
    """
    header = header or read_header(source)
    if header is None:
        return None
    if header.format not in _MODULES:
        return Metadata(header.format)
    module = lazy.load(f"mvc.formats.metadata.{_MODULES[header.format]}")
    try:
        metadata: Metadata = module.read(source)
    except (RecursionError, MemoryError, OverflowError) as error:
        raise HeaderError(f"its metadata exceeds the limits of the parser ({type(error).__name__})") from error
    return metadata if metadata.classes else class_names.with_classes(metadata)
