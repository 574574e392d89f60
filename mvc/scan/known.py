"""Known scanners, one row each: what a file begins with, or is named, for its module to be asked.

    content  ─►  every row that is possible  ─►  matches(start, source)  ─►  scan(source, scan)
    archive  ─►  every layout                ─►  matches(archive)        ─►  scan(archive, scan)

Every scanner that matches is run, not the first: a file may be two formats at once, and each loader takes its own. The
table loads no module before its row is possible.
"""

from __future__ import annotations

from typing import NamedTuple


class Scanner(NamedTuple):
    """A scanner of the content of a file, or of a member of an archive.

    `mvc.scan.MODULE` defines `RULES`, `matches(start, source) -> bool`, where `start` is the first 512 bytes, and
    `scan(source, scan) -> None`. It is asked for content with one of `magics` at `offset`, or a name with one of
    `suffixes`; for all content if it has neither.
    """

    name: str
    module: str
    magics: tuple[bytes, ...] = ()
    offset: int = 0
    suffixes: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The full name of the module."""
        return f"mvc.scan.{self.module}"

    def is_possible(self, start: bytes, name: str) -> bool:
        """Return whether the module has to be loaded for content with these first bytes, under this name."""
        if not self.magics and not self.suffixes:
            return True
        return start.startswith(self.magics, self.offset) or name.lower().endswith(self.suffixes)


SCANNERS: tuple[Scanner, ...] = (
    Scanner("pickle", "pickles.file"),  # without magic bytes in protocols 0 and 1
    Scanner("torch", "pickles.torch_legacy", (b"\x80",)),
    Scanner("npy", "pickles.npy", (b"\x93NUMPY",)),
    Scanner("zip", "archives.zip"),  # found by its end as well
    Scanner("tar", "archives.tar"),  # found by its checksum
    Scanner("compressed", "archives.streams"),
    Scanner("safetensors", "formats.safetensors", (b"{",), offset=8),
    Scanner("onnx", "formats.onnx"),  # its fields may be in any order
    Scanner("onnxruntime", "formats.rare.onnxruntime", (b"ORTM",), offset=4),
    Scanner("network", "formats.rare.networks", suffixes=(".pdmodel", "__model__", ".caffemodel")),
    Scanner(
        "objects",
        "formats.rare.serialized",
        (
            b"X\n",
            b"A\n",
            b"B\n",
            b"RD",
            b"\xac\xed",
            b"7JL",
            b"\4\x08",
            b"pst0",
            b"\0\1\0\0\0\xff",
            b"\x1bL",
            b"ARROW1",
            b"PAR1",
            b"FEA1",
            b"\xff\xff\xff\xff",
        ),
        suffixes=(".t7", ".th7", ".bson"),
    ),
    Scanner(
        "database",
        "formats.rare.databases",
        (b"SQLite format 3\0", bytes(10) + b"\x08\0", b"ARROW1", b"PAR1", b"FEA1", b"\xff\xff\xff\xff"),
    ),
    Scanner("gguf", "formats.gguf", (b"GGUF",)),
    Scanner("hdf5", "formats.hdf5"),
    Scanner("tflite", "formats.tflite", (b"TFL3",), offset=4),
    Scanner(
        "tensorflow",
        "formats.tensorflow.graphs",
        (b"\x08\1\x12", b"\n", b"\x12", b"\x18", b'"'),
        suffixes=(".pb", ".meta", ".pbtxt", ".graphdef"),
    ),
    Scanner("coreml", "formats.trees.coreml", suffixes=(".mlmodel",)),
    Scanner("msgpack", "formats.trees.msgpack", suffixes=(".msgpack",)),
    Scanner("ubjson", "formats.trees.ubjson", (b"{L",)),
    Scanner("json", "formats.json_text"),
    Scanner(
        "model-text", "formats.model_text", suffixes=(".textproto", ".prototxt", ".pbtxt", ".onnxtxt", ".onnxtext")
    ),
    Scanner("template", "formats.jinja.templates", suffixes=(".jinja", ".jinja2", ".j2")),
    Scanner("text", "formats.texts"),
    Scanner("xml", "formats.xml_text"),
    Scanner("program", "formats.programs"),
    Scanner("disguise", "formats.disguise"),
)
"""Scanners of content, in the order in which they are run."""

PICKLES = SCANNERS[:2]
"""Those of content that begins as a pickle."""
HELD = (*PICKLES, *(scanner for scanner in SCANNERS if scanner.name == "compressed"))
"""Those of a value that may be a pickle, or a compressed one."""

TEXTS = frozenset({"json", "model-text", "template", "text", "xml", "program", "disguise"})
"""Names of scanners of content that never has weights."""

LAYOUTS: tuple[str, ...] = ("pickles.torch", "formats.torchscript", "formats.exported")
"""Modules `mvc.scan.NAME` with rules for the members of an archive: `RULES`, `matches(archive)`, `scan(archive, scan)`."""
