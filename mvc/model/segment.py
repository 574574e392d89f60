"""Segments: ranges of a file, nearly always a tensor, with name, dtype and shape.

    Segment(offset=1128, size=1536, name="encoder.layer.0.norm.weight", dtype="F32", shape=(384,))

Formats derive segments from headers, recipes store them, and a comparison of two versions reads nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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


_MAX_RANK = 64
"""Dimensions of a view, at most."""
_MAX_ELEMENTS = 1 << 56
"""Elements of a view, at most: those of a dimension with the stride 0 take no bytes."""


class TensorView(NamedTuple):
    """A tensor over `size` bytes of a segment, from its byte `start` on; its elements are `strides` elements apart.

    `strides` is None if they are in the order of the shape: the tensor is another name for these bytes.
    """

    name: str
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    start: int
    size: int

    def fits(self, segment: Segment) -> bool:
        """Return whether it is within a segment, of a dtype with a width, and of the size that its shape has."""
        if segment.dtype not in WIDTHS or 0 in self.shape or not 0 <= self.start <= segment.size - self.size:
            return False
        if len(self.shape) > _MAX_RANK or math.prod(self.shape) > _MAX_ELEMENTS:
            return False
        strides = self.strides
        if strides is None:
            return math.prod(self.shape) * WIDTHS[segment.dtype] == self.size
        last = sum((count - 1) * stride for count, stride in zip(self.shape, strides, strict=True))
        return (last + 1) * WIDTHS[segment.dtype] == self.size


class Segment(NamedTuple):
    """`size` bytes of a file from `offset`; `name`, `dtype` and `shape` if known, else `""`, `""` and None.

    `digest` identifies the content: the id of the bytes if at most `step`, else the id of the concatenated ids (32
    bytes each) of its pieces of `step` bytes. It is `""` until the content is read.

    `views` are further tensors over its bytes. `strides`, in elements, are those of a listed view.
    """

    offset: int
    size: int
    name: str = ""
    dtype: str = ""
    shape: tuple[int, ...] | None = None
    digest: str = ""
    views: tuple[TensorView, ...] = ()
    strides: tuple[int, ...] | None = None

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
        lists = {"shape": self.shape, "strides": self.strides}
        return record | {key: list(values) for key, values in lists.items() if values is not None}


def listed(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return every tensor of segments by itself, in place of one that has its name; the digest is that of the segment."""
    tensors: list[Segment] = []
    for segment in segments:
        if not segment.views:
            tensors.append(segment)
            continue
        if segment.name not in {view.name for view in segment.views}:
            tensors.append(segment._replace(views=()))
        for name, shape, strides, start, size in segment.views:
            place = (segment.offset + start, size, name, segment.dtype, shape)
            tensors.append(Segment(*place, segment.digest, strides=strides))
    return tuple(tensors)


def digest_of(pieces: Sequence[str]) -> str:
    """Return the digest of a segment from the ids of its pieces, each of `step` bytes but the last."""
    return pieces[0] if len(pieces) == 1 else digest(b"".join(map(bytes.fromhex, pieces)))


PIECE = 1 << 18
"""Elements of one piece: 1 MiB of fp32, or 512 KiB of the same numbers in bf16."""
STEP = 1024 * 1024
"""Bytes of one piece of a dtype without a fixed element size."""
