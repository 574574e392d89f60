"""Honest content without a format that the scan knows, or with one that may be taken for another: numbers, texts, streams."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from mvc.formats.source import Source

SIZES = (1, 2, 3, 5, 8, 16, 31, 64, 100, 256, 700, 2048)
SUFFIXES = ("", ".bin", ".dat", ".raw", ".weights", ".idx", "/labels")
_WORDS = [
    "copy", "cos", "sin", "(other)", "(id,", "name)", "import", "Icon", "Nut", "c", "i", "I", "}", "]", "N", "S'x'", "V1", "1.",
    ".5", "weights", "of", "model,", "GGUF", "xar!", "LZIP",
    "person.\n", "\n(intro)=\n#", "A", "guide", "`to`", "the", "files\n-", "labels:", "cat\n", "BZh", "PK\n", "%TAG",
]  # fmt: skip
_KANA = "日本語の文章です。カタカナ\n("


class Maker:
    """Draws honest content by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.numbers = np.random.default_rng(seed)

    def source(self, kind: str) -> tuple[Source, bytes]:
        """Content of a kind, under a name that promises nothing."""
        data = KINDS[kind](self)
        name = "data" + self.rng.choice(SUFFIXES)
        return Source(lambda offset, size: data[offset : offset + size], len(data), name), data

    def size(self) -> int:
        return self.rng.choice(SIZES)

    def drawn(self, dtype: str, low: int, high: int, scale: int = 1) -> bytes:
        return self.numbers.integers(low, high, self.size() * scale).astype(dtype).tobytes()

    def normal(self, dtype: str, scale: float = 1.0) -> bytes:
        return (self.numbers.standard_normal(self.size()) * scale).astype(dtype).tobytes()

    def text(self) -> str:
        return " ".join(self.rng.choices(_WORDS, k=1 + self.size() // 6))

    def chars(self, alphabet: str) -> str:
        return "".join(self.rng.choices(alphabet, k=self.size()))

    def picture(self, kind: str) -> bytes:
        out = io.BytesIO()
        Image.fromarray(self.numbers.integers(0, 256, (8, 8, 3), dtype="u1")).save(out, kind)
        return out.getvalue()

    def smooth(self) -> bytes:
        steps = self.numbers.integers(-3, 4, self.size() * 3)
        return np.clip(np.cumsum(steps) + self.rng.randrange(256), 0, 255).astype("u1").tobytes()

    def records(self) -> bytes:
        parts = [self.numbers.bytes(self.rng.choice([1, 20, 128, 640])) for _ in range(3)]
        return b"".join(struct.pack("<Q4x", len(part)) + part + bytes(4) for part in parts)

    def messages(self) -> bytes:
        texts = [self.text().encode()[:100] for _ in range(4)]
        return b"".join(bytes([self.rng.randrange(1, 15) << 3 | 2, len(text)]) + text for text in texts)


def _packed(value: Any) -> bytes:
    """A value in msgpack, as Flax writes it."""
    match value:
        case dict():
            return bytes([0x80 + len(value)]) + b"".join(_packed(key) + _packed(part) for key, part in value.items())
        case str():
            return bytes([0xA0 + len(value)]) + value.encode()
        case bytes():
            return b"\xc5" + struct.pack(">H", len(value)) + value
    return b"\xcb" + struct.pack(">d", value)


KINDS: dict[str, Callable[[Maker], bytes]] = {
    "random bytes": lambda make: make.numbers.bytes(make.size()),
    "float32": lambda make: make.normal("<f4"),
    "small float32": lambda make: make.normal("<f4", 1e-3),
    "float32, big-endian": lambda make: make.normal(">f4"),
    "float16": lambda make: make.normal("<f2"),
    "bfloat16": lambda make: (np.frombuffer(make.normal("<f4"), "<u4") >> 16).astype("<u2").tobytes(),
    "float64": lambda make: make.normal("<f8"),
    "int8 weights": lambda make: make.normal("i1", 30),
    "a picture without a header": lambda make: make.drawn("u1", 0, 256, 3),
    "a smooth picture": Maker.smooth,
    "near 128": lambda make: np.clip(make.numbers.normal(128, 2, make.size()), 0, 255).astype("u1").tobytes(),
    "labels": lambda make: make.drawn("<i8", 0, make.rng.choice([2, 10, 129, 1000])),
    "labels of one byte": lambda make: make.drawn("u1", 0, make.rng.choice([2, 10, 132])),
    "labels of four bytes": lambda make: make.drawn("<i4", 0, 70_000),
    "tokens": lambda make: np.minimum(make.numbers.zipf(1.3, make.size()), 50_000).astype("<u2").tobytes(),
    "a constant": lambda make: bytes([make.rng.randrange(256)]) * make.size(),
    "behind the number of a protocol": lambda make: bytes([0x80, make.rng.randrange(8)]) + make.drawn("u1", 0, 120),
    "text": lambda make: make.text().encode(),
    "lines": lambda make: "\n".join(make.rng.choices(_WORDS, k=20)).encode(),
    "UTF-16": lambda make: make.text().encode("utf-16"),
    "UTF-32": lambda make: make.text().encode("utf-32-le"),
    "Latin-1": lambda make: make.chars("äöüßé abc.\n(c").encode("latin1"),
    "Shift JIS": lambda make: make.chars(_KANA).encode("shift-jis"),
    "KOI8-R": lambda make: make.chars("русский\n(.").encode("koi8-r"),
    "EBCDIC": lambda make: make.text().encode("cp500", "replace"),
    "letters": lambda make: make.chars("abcdeghiloprstuRNI}](\n\n.0123456789 ").encode(),
    "CSV": lambda make: "\n".join(f"({make.rng.random():.4f}, {number})" for number in range(9)).encode(),
    "lines of JSON": lambda make: "\n".join(json.dumps({"text": make.text()}) for _ in range(3)).encode(),
    "brackets": lambda make: make.chars("[[[[ ").encode() * 20,
    "deflate": lambda make: zlib.compress(make.text().encode(), wbits=-15),
    "a part of zlib": lambda make: zlib.compress(make.text().encode())[make.rng.randrange(2, 9) :],
    "gzip": lambda make: gzip.compress(make.text().encode()),
    "bzip2": lambda make: bz2.compress(make.text().encode()),
    "xz": lambda make: lzma.compress(make.text().encode()),
    "JPEG": lambda make: make.picture("JPEG"),
    "PNG": lambda make: make.picture("PNG"),
    "a part of JPEG": lambda make: make.picture("JPEG")[make.rng.randrange(2, 300) :],
    "sound": lambda make: (np.sin(np.arange(make.size()) / 5) * 3000).astype("<i2").tobytes(),
    "TFRecord": Maker.records,
    "protocol buffers": Maker.messages,
    "msgpack": lambda make: _packed({"params": {"kernel": make.numbers.bytes(make.size()), "rate": make.rng.random()}}),
    "darknet": lambda make: struct.pack("<iiiq", 0, 2, 5, make.rng.randrange(1 << 30)) + make.normal("<f4"),
}
"""Kinds of content; each is drawn again and again."""
