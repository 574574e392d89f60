"""Which format a file has, told from its first bytes, and what its header says."""

from __future__ import annotations

from collections.abc import Callable

from mvc import lazy
from mvc.formats.header import Header
from mvc.formats.source import HeaderError, Source

_START = 16
_ZIP = b"PK\x03\x04"
FORMATS: dict[str, Callable[[bytes, str], bool]] = {
    "safetensors": lambda start, _: start[8:9] == b"{",
    "torch": lambda start, _: start.startswith(_ZIP),
    "npz": lambda start, _: start.startswith(_ZIP),
    "keras": lambda start, _: start.startswith(_ZIP),
    "gguf": lambda start, _: start.startswith(b"GGUF"),
    "hdf5": lambda start, _: start.startswith(b"\x89HDF"),
    "onnx": lambda start, name: start.startswith(b"\x08") or name.lower().endswith(".onnx"),
}
"""The modules in the order they are asked, each once the first bytes or the name of a file make it worth loading.

Each has `matches(start, source) -> bool`, which is surer, and `read(source) -> Header`.
"""


def read_header(source: Source) -> Header | None:
    """The header of a file of a known format, None for any other file; raises HeaderError when the file lies."""
    if source.size < _START:
        return None
    start = source.read(0, _START)
    for name, may_be in FORMATS.items():
        module = lazy.load(f"mvc.formats.{name}") if may_be(start, source.name) else None
        if module is not None and module.matches(start, source):
            try:
                header: Header = module.read(source)
            except (RecursionError, MemoryError, OverflowError) as error:
                raise HeaderError(f"it asks for too much ({type(error).__name__})") from error
            return header
    return None
