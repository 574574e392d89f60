"""Known formats of weight files, one row each: suffixes and magic bytes.

The table does not load the modules that parse headers, since `status` needs the suffixes only.
"""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """A format whose headers the module `mvc.formats.NAME`, in a `folder` if it has one, parses.

    The module defines `matches(start, source) -> bool` and `read(source) -> Header`. It is called for files with
    `magic` at `offset`; unless the format is `strict`, also for files with one of its suffixes, which may begin
    differently.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: bytes
    offset: int = 0
    strict: bool = True
    folder: str = ""
    are_weights: bool = True
    """The suffixes are those of weight files; False if other files have them too."""

    @property
    def module(self) -> str:
        """The full name of its module."""
        return ".".join(filter(None, ("mvc.formats", self.folder, self.name)))

    def begins(self, start: bytes) -> bool:
        """Return whether the first bytes of a file contain the magic."""
        return start.startswith(self.magic, self.offset)

    def is_possible(self, start: bytes, name: str) -> bool:
        """Return whether a file may be of this format, so that its module has to be loaded."""
        return self.begins(start) or (not self.strict and name.lower().endswith(self.suffixes))


_ZIP = b"PK"
FORMATS = {
    format_.name: format_
    for format_ in (
        Format("safetensors", (".safetensors",), b"{", offset=8),
        Format("torch", (".pt", ".pth", ".ckpt", ".torchscript", ".jit"), _ZIP, strict=False),
        Format("torch_legacy", (".pt", ".pth", ".ckpt"), b"\x80"),
        Format("npz", (".npz",), _ZIP),
        Format("keras", (".keras",), _ZIP),
        Format("gguf", (".gguf",), b"GGUF"),
        Format("hdf5", (".h5", ".hdf5", ".keras"), b"\x89HDF"),
        Format("onnx", (".onnx",), b"\x08", strict=False),
        Format("zip", (".mar",), _ZIP, strict=False, folder="archives"),  # after the formats that are zip archives
        Format("tar", (".nemo",), b"ustar", offset=257, strict=False, folder="archives"),
    )
}
"""By name, in the order in which their modules are tried."""
_OTHERS = (".tflite", ".engine", ".pb", ".bin", ".pkl", ".joblib", ".mlmodel")
"""Suffixes of weight files whose headers are not parsed."""
WEIGHT_SUFFIXES = (
    *dict.fromkeys(suffix for format_ in FORMATS.values() if format_.are_weights for suffix in format_.suffixes),
    *_OTHERS,
)


def of_suffix(suffix: str) -> tuple[Format, ...]:
    """Return the formats whose files have the suffix."""
    return tuple(format_ for format_ in FORMATS.values() if suffix in format_.suffixes)
