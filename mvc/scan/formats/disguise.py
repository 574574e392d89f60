r"""Disguise: content that its name contradicts, where the content can run code and the name promises that it cannot.

    model.safetensors  80 02 …     a pickle
    labels.json        50 4b …     a zip archive, which PyTorch loads under any name
    best.onnx          89 48 44 46 HDF5

A torch checkpoint that holds safetensors, or a picture with the wrong suffix, harms nobody and is not reported.
"""

from __future__ import annotations

from mvc.formats.source import Source
from mvc.scan.pickles import file as pickles
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

DISGUISED = Rule(
    "disguise", Verdict.HOSTILE, "A loader that goes by content would read {}, which its name contradicts."
)
RULES = (DISGUISED,)

_KINDS = (
    (b"PK\x03\x04", 0, "a zip archive"),
    (b"PK\x05\x06", 0, "a zip archive"),
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file"),
    (b"\x1f\x8b\x08", 0, "a file compressed by gzip"),
    (b"BZh", 0, "a file compressed by bzip2"),
    (b"\xfd7zXZ\0", 0, "a file compressed by xz"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive"),
    (b"ustar", 257, "a tar archive"),
)
DATA = (
    ".safetensors", ".gguf", ".onnx", ".tflite", ".npy", ".json", ".jsonl", ".yaml", ".yml", ".txt", ".md", ".csv", ".tsv",
    ".toml", ".xml", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".jinja", ".vocab", ".html",
)  # fmt: skip
"""Suffixes of files that run no code when they are read."""
OWN = {
    ".h5": ("an HDF5 file",),
    ".hdf5": ("an HDF5 file",),
    ".keras": ("a zip archive", "an HDF5 file"),
}
"""Suffixes of files whose readers take these kinds only, and no pickle."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether the name promises data, and the content is something else."""
    name = source.name.lower()
    if not name.endswith((*DATA, *OWN)) or not (kind := _kind(start, source)):
        return False
    return kind not in next((kinds for suffix, kinds in OWN.items() if name.endswith(suffix)), ())


def scan(source: Source, scan: Scan) -> None:
    """Report the content."""
    scan.report(DISGUISED, detail=_kind(source.read(0, min(source.size, 512)), source))


def _kind(start: bytes, source: Source) -> str:
    if start[:1] == b"\x80" and pickles.matches(start, source):
        return "a pickle"
    return next((kind for magic, place, kind in _KINDS if start.startswith(magic, place)), "")
