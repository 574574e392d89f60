r"""The format of a weight file by its content, also of those whose headers are not parsed; other files have none.

PK…, data.pkl in it   torch          \x80\x04…        pickle          model.bin of unknown bytes   unknown
{"w": {"dtype"…       safetensors    \x93NUMPY        npy             labels.json                  ""
"""

from __future__ import annotations

from typing import NamedTuple

from mvc.formats.known import FORMATS, WEIGHT_SUFFIXES
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError, Source

PICKLE, NPY, UNKNOWN = "pickle", "npy", "unknown"
OTHERS = (PICKLE, NPY, UNKNOWN)
"""The formats that are not in the table of parsed ones; `unknown` is a weight file by its name, of no known content."""
_ARCHIVES = ("zip", "tar")
_PICKLE = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_NPY = b"\x93NUMPY"
_START = 512


class WeightFormat(NamedTuple):
    """The name of a format, `""` for a file without weights, and the files beside it that hold its tensors."""

    name: str
    beside: tuple[str, ...] = ()


def weight_format(source: Source) -> WeightFormat:
    """Return the format of a file; a malformed one of a known format is `unknown`."""
    is_named = source.name.lower().endswith(WEIGHT_SUFFIXES)
    try:
        start = source.read(0, min(_START, source.size))
        header = read_header(source)
    except HeaderError:
        return WeightFormat(UNKNOWN)
    if header is not None:
        if header.format in _ARCHIVES and not header.segments and not header.external and not is_named:
            return WeightFormat("")
        return WeightFormat(header.format, tuple(header.external))
    if start.startswith(_PICKLE):
        return WeightFormat(PICKLE)
    if start.startswith(_NPY):
        return WeightFormat(NPY)
    if start.startswith(FORMATS["hdf5"].magic):  # h5py may be absent
        return WeightFormat("hdf5")
    return WeightFormat(UNKNOWN if is_named else "")
