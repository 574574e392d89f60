"""Segments: ranges of a file, nearly always a tensor, with name, dtype and shape.

    Segment(offset=1128, size=1536, name="encoder.layer.0.norm.weight", dtype="F32", shape=(384,))

Formats derive segments from headers, recipes store them, and a comparison of two versions reads nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from mvc.model.ids import digest

WIDTHS = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8, "C64": 8, "C128": 16,
}  # fmt: skip
"""Bytes of one element, by dtype in safetensors' names. Other dtypes (`Q4_K` and other block formats) have none."""

FLOATS = ("F16", "BF16", "F32", "F64")


class Segment(NamedTuple):
    """`size` bytes of a file from `offset`; `name`, `dtype` and `shape` if known, else `""`, `""` and None.

    `digest` identifies the content: the id of the bytes if at most `step`, else the id of the concatenated ids (32
    bytes each) of its pieces of `step` bytes. It is `""` until the content is read.
    """

    offset: int
    size: int
    name: str = ""
    dtype: str = ""
    shape: tuple[int, ...] | None = None
    digest: str = ""

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.offset + self.size

    @property
    def width(self) -> int:
        """Bytes of one element; 1 for dtypes without a fixed size."""
        return WIDTHS.get(self.dtype, 1)

    @property
    def step(self) -> int:
        """Bytes of one piece."""
        return PIECE * WIDTHS[self.dtype] if self.dtype in WIDTHS else STEP

    @property
    def elements(self) -> int | None:
        """The number of elements; None if the shape is not known."""
        return None if self.shape is None else math.prod(self.shape)

    def to_json(self) -> dict[str, Any]:
        """Return the segment as recipes and `--json` write it, without unknown values."""
        record: dict[str, Any] = {"offset": self.offset, "size": self.size}
        texts = {"name": self.name, "dtype": self.dtype, "digest": self.digest}
        record |= {key: text for key, text in texts.items() if text}
        return record if self.shape is None else {**record, "shape": list(self.shape)}


def digest_of(pieces: Sequence[str]) -> str:
    """Return the digest of a segment from the ids of its pieces, each of `step` bytes but the last."""
    return pieces[0] if len(pieces) == 1 else digest(b"".join(map(bytes.fromhex, pieces)))


PIECE = 1 << 18
"""Elements of one piece: 1 MiB of fp32, or 512 KiB of the same numbers in bf16."""
STEP = 1024 * 1024
"""Bytes of one piece of a dtype without a fixed element size."""
