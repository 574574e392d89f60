"""Pickles put together from operations: what PyTorch writes, and what nobody should."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from tests.formats.archives import archive

NONE, FALSE, STOP, DUP, REDUCE, BUILD = b"N", b"\x89", b".", b"2", b"R", b"b"


def named(name: str) -> bytes:
    """A class or function: `torch._utils _rebuild_tensor_v2`."""
    return b"c" + name.replace(" ", "\n").encode() + b"\n"


def text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"\x8a\x0a" + value.to_bytes(10, "little", signed=True)


def group(*parts: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(parts) + b"t"


def numbers(*values: int) -> bytes:
    return group(*map(number, values))


def mapping(parts: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in parts.items()) + b"u"


def call(function: str, *parts: bytes) -> bytes:
    return named(function) + group(*parts) + REDUCE


def storage(key: str, count: int, kind: str = "torch FloatStorage") -> bytes:
    return group(text("storage"), named(kind), text(key), text("cpu"), number(count)) + b"Q"


def tensor(held: bytes, first: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    rest = (number(first), numbers(*shape), numbers(*strides), FALSE, NONE)
    return call("torch._utils _rebuild_tensor_v2", held, *rest)


def checkpoint(root: bytes, storages: Mapping[str, bytes], **more: bytes) -> bytes:
    """A checkpoint whose pickle builds `root`."""
    members = {"data.pkl": b"\x80\2" + root + STOP, **more, **{f"data/{key}": data for key, data in storages.items()}}
    return archive({f"run/{name}": data for name, data in members.items()})
