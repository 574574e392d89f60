"""Known formats of weight files, one row each: suffixes and magic bytes.

The table does not load the modules that parse headers, since `status` needs the suffixes only.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import PurePosixPath
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
    beside: str | None = None
    """A part of the names of the other files that hold its tensors; None if it holds them itself."""

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


ZIP = b"PK"
"""The magic of zip archives."""
FORMATS = {
    format_.name: format_
    for format_ in (
        Format("safetensors", (".safetensors",), b"{", offset=8),
        Format("torch", (".pt", ".pth", ".ckpt", ".torchscript", ".jit", ".pt2"), ZIP, strict=False),
        Format("torch_legacy", (".pt", ".pth", ".ckpt"), b"\x80"),
        Format("npz", (".npz",), ZIP),
        Format("keras", (".keras",), ZIP),
        Format("gguf", (".gguf",), b"GGUF"),
        Format("hdf5", (".h5", ".hdf5", ".keras"), b"\x89HDF"),
        Format("onnx", (".onnx",), b"\x08", strict=False, beside=""),
        Format("tflite", (".tflite",), b"TFL3", offset=4, folder="exports"),
        Format("openvino", (".xml",), b"<?xml", folder="exports", are_weights=False, beside=".bin"),
        Format("tf_checkpoint", (".index",), b"\0\0", folder="exports", are_weights=False, beside=".data-"),
        Format("torch_distributed", (".metadata",), b"\x80", folder="exports", are_weights=False, beside=".distcp"),
        Format("coreml_program", (".mlmodel",), b"\x08", folder="exports", are_weights=False, beside="weight.bin"),
        Format("coreml_weights", ("weight.bin",), b"\xef\xbe\xad\xde", offset=64, folder="exports", are_weights=False),
        Format("zip", (".mar",), ZIP, strict=False, folder="archives"),  # after the formats that are zip archives
        Format("tar", (".nemo",), b"ustar", offset=257, strict=False, folder="archives"),
    )
}
"""By name, in the order in which their modules are tried."""
_OTHERS = (".engine", ".pb", ".bin", ".pkl", ".joblib", ".mlmodel")
"""Suffixes of weight files whose headers are not parsed."""
WEIGHT_SUFFIXES = (
    *dict.fromkeys(suffix for format_ in FORMATS.values() if format_.are_weights for suffix in format_.suffixes),
    *_OTHERS,
)


def of_suffix(suffix: str) -> tuple[Format, ...]:
    """Return the formats whose files have the suffix."""
    return tuple(format_ for format_ in FORMATS.values() if suffix in format_.suffixes)


def describing(paths: Iterable[str], others: Iterable[str]) -> frozenset[str]:
    """Return those of `paths` whose headers may list the tensors of `others`, which are beside them or further down."""
    formats = [format_ for format_ in FORMATS.values() if format_.beside is not None]
    folders: dict[str, set[str]] = {format_.name: set() for format_ in formats}
    for path in others:
        name, above = posixpath.basename(path), [parent.as_posix() for parent in PurePosixPath(path).parents]
        for format_ in formats:
            if (format_.beside or "") in name:
                folders[format_.name].update(above)
    return frozenset(
        path
        for path in paths
        for format_ in formats
        if path.lower().endswith(format_.suffixes) and (posixpath.dirname(path) or ".") in folders[format_.name]
    )
