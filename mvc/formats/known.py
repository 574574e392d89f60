"""The formats of weight files, one row each: the suffixes of their files, and how these begin.

The modules that read headers are not loaded for it, since `status` needs no more than the suffixes.
"""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """A format whose headers the module `mvc.formats.NAME` reads.

    That module has `matches(start, source) -> bool` and `read(source) -> Header`. It is asked about files that have
    `magic` at `offset`; where `strict` is false, also about those with a suffix of the format, which may begin otherwise.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    offset: int = 0
    strict: bool = True

    def begins(self, start: bytes) -> bool:
        """Return whether the first bytes of a file have the magic."""
        return start.startswith(self.magic, self.offset)

    def is_possible(self, start: bytes, name: str) -> bool:
        """Return whether the module is worth asking about a file."""
        return self.begins(start) or (not self.strict and name.lower().endswith(self.suffixes))


_ZIP = b"PK"
FORMATS = {
    each.name: each
    for each in (
        Format("safetensors", (".safetensors",), b"{", offset=8),
        Format("torch", (".pt", ".pth", ".ckpt", ".torchscript", ".jit"), _ZIP, strict=False),  # pickles before 1.6
        Format("npz", (".npz",), _ZIP),
        Format("keras", (".keras",), _ZIP),
        Format("gguf", (".gguf",), b"GGUF"),
        Format("hdf5", (".h5", ".hdf5", ".keras"), b"\x89HDF"),
        Format("onnx", (".onnx",), b"\x08", strict=False),
    )
}
"""By name, in the order in which their modules are asked."""
_OTHERS = (".tflite", ".engine", ".pb", ".bin", ".pkl", ".joblib", ".mlmodel")
"""Suffixes of weight files whose headers nothing here reads."""
WEIGHT_SUFFIXES = (*dict.fromkeys(suffix for each in FORMATS.values() for suffix in each.suffixes), *_OTHERS)


def of_suffix(suffix: str) -> tuple[Format, ...]:
    """Return the formats whose files have the suffix."""
    return tuple(each for each in FORMATS.values() if suffix in each.suffixes)
