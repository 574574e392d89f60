"""Hostile archives and streams that readers differ in: what one of them passes over, another one loads."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator

from mvc.scan.archives import tar
from tests.formats.archives import archive
from tests.scan.cases import Case
from tests.scan.containers import HOSTILE, PLAIN, objects

_SUM = slice(148, 156)
_FINISH = bytes(1024)


def header(
    name: str, size: bytes, kind: bytes = b"0", *, magic: bytes = b"ustar\x0000", is_signed: bool = False
) -> bytes:
    """A header of tar with a size in any spelling, summed as signed or unsigned bytes."""
    block = bytearray(512)
    block[: len(name)] = name.encode("latin-1")
    block[100:124] = b"0000644\x000000000\x000000000\0"
    block[124 : 124 + len(size)] = size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257 : 257 + len(magic)] = magic
    block[_SUM] = b" " * 8
    total = sum(block) - (256 * sum(byte > 127 for byte in block) if is_signed else 0)
    block[_SUM] = b"%06o\0 " % total
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def member(name: str = "data.pkl", kind: bytes = b"0", form: bytes = b"%011o", **more: object) -> bytes:
    """A member that is a hostile pickle."""
    return header(name, form % len(HOSTILE), kind, **more) + padded(HOSTILE)  # type: ignore[arg-type]


TEXT = header("a.txt", b"2") + padded(b"hi")


def _hiding(kind: bytes, name: str = "d") -> bytes:
    """A member without content, whose size passes over another member."""
    return TEXT + header(name, b"%o" % len(member()), kind) + member() + _FINISH


def commented(outer: bytes, inner: bytes) -> bytes:
    """An archive with another one in its comment, whose own comment has another length than its end record says."""
    comment = inner[:-2] + struct.pack("<H", 9)
    return outer[:-2] + struct.pack("<H", len(comment)) + comment


def _records(text: bytes) -> bytes:
    return header("pax", b"%o" % len(text), b"X") + padded(text)


TARS: dict[str, tuple[bytes, str, str]] = {
    "without magic bytes": (member(magic=b"") + _FINISH, "pickle-call", "tar"),
    "a sum of signed bytes": (member("\xff\xfe.pkl", is_signed=True) + _FINISH, "pickle-call", "tar"),
    "a type that is not known": (TEXT + member(kind=b"Z") + _FINISH, "pickle-call", "tar"),
    "a directory with a size": (_hiding(b"5"), "pickle-call", "tar"),
    "a link with a size": (_hiding(b"1"), "tar-header", "tar"),
    "an old directory with a size": (_hiding(b"\0", "d/"), "pickle-call", "tar"),
    "a size by records of Solaris": (_records(b"10 size=0\n") + header("b", b"%o" % len(member())) + member() + _FINISH, "pickle-call", "tar"),
    "a size with a prefix": (TEXT + member(form=b"0o%o") + _FINISH, "tar-header", "tar"),
    "a size with a sign": (TEXT + member(form=b"+%o") + _FINISH, "pickle-call", "tar"),
    "a size before other bytes": (TEXT + member(form=b"%o\0zz") + _FINISH, "pickle-call", "tar"),
    "an archive behind it": (TEXT + _FINISH + archive({"x.pkl": HOSTILE}), "zip-directory", "zip"),
}  # fmt: skip
ZIPS: dict[str, tuple[bytes, str, str]] = {
    "in a comment": (commented(PLAIN, archive({"x.pkl": HOSTILE})), "zip-directory", "zip"),
    "behind a text with the mark of tar": (
        b"a" * 257 + b"ustar" + archive({"x.pkl": HOSTILE}), "zip-directory", "zip"
    ),
}  # fmt: skip


def zipped(flags: int, more: bytes = b"", *, checksum: int | None = None, data: bytes = HOSTILE) -> bytes:
    """A member of gzip with some flags, and what follows its header."""
    inner = zlib.compressobj(wbits=-15)
    packed = inner.compress(data) + inner.flush()
    check = zlib.crc32(data) if checksum is None else checksum
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(5) + b"\xff" + more + packed + struct.pack("<II", check, len(data))


def _lzma(properties: bytes, **settings: int) -> bytes:
    """A stream of LZMA without a container, whose first bytes are these."""
    chosen = [{"id": lzma.FILTER_LZMA1, **settings}]
    return properties + lzma.compress(HOSTILE, lzma.FORMAT_ALONE, filters=chosen)[len(properties) :]


_PARTS = HOSTILE[:20], HOSTILE[20:]
STREAMS: dict[str, tuple[bytes, str, str]] = {
    "gzip with reserved flags": (zipped(0xE0), "pickle-call", "gzip-file"),
    "gzip with a wrong checksum of its header": (zipped(2, b"\xaa\xbb"), "pickle-call", "gzip-file"),
    "gzip with every part of a header": (zipped(31, b"\2\0abname\0comment\0\xaa\xbb"), "pickle-call", "gzip-file"),
    "gzip with a wrong checksum": (zipped(0, checksum=1), "pickle-call", "gzip-file"),
    "gzip behind zeros": (zipped(0, data=_PARTS[0]) + bytes(600_000) + zipped(0, data=_PARTS[1]), "pickle-call", "gzip-file"),
    "lzma with no dictionary": (_lzma(b"]\0\0\0\0"), "pickle-call", "lzma-file"),
    "lzma after lzma": (b"".join(lzma.compress(part, lzma.FORMAT_ALONE) for part in _PARTS), "pickle-call", "lzma-file"),
}  # fmt: skip
LZMA = _lzma(b"", lc=0, lp=0, pb=0)
"""A stream that Python's lzma opens under its name, and begins with a zero."""

FAMILIES = {"compressed, as readers differ": STREAMS, "tar, as readers differ": TARS, "zip, as readers differ": ZIPS}


ALONE = {tar.HEADER.id: TEXT + header("d", b"1000", b"5") + _FINISH}
"""For each rule, a file whose verdict is another one without it."""


def cases() -> Iterator[Case]:
    for family, files in FAMILIES.items():
        for name, (data, rule, loader) in files.items():
            yield Case(family, name, data, rule, loader)


def honest() -> Iterator[tuple[str, bytes]]:
    """Files that are plain, although their headers are unusual."""
    array = objects("'<f4'", bytes(4))
    for magic in (b"", b"ustar  \0", b"ustar\x0000"):
        content = header("\xe9.npy", b"%011o" % len(array), magic=magic) + padded(array)
        yield f"tar with {magic!r}", header("d/", b"00000000000", b"5", magic=magic) + content + _FINISH
    content = header("a.npy", b"%10o " % len(array)) + padded(array)
    yield "tar with a size behind spaces", content + _FINISH
    packed = archive({"a.npy": array})
    yield (
        "tar with a zip archive as its last member",
        header("a.zip", b"%011o" % len(packed)) + padded(packed) + _FINISH,
    )
    out = io.BytesIO(packed)
    with zipfile.ZipFile(out, "a") as file:
        file.comment = b"made by a tool " * 20
    yield "gzip with a name", zipped(8, b"best.npy\0", data=array)
    yield "gzip before zeros", zipped(0, data=array) + bytes(600_000)
    yield "lzma", lzma.compress(array, lzma.FORMAT_ALONE)
    yield "zip with a comment", out.getvalue()
