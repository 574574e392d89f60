"""Layouts of quantised blocks: where the bits of their scales and quants are, by ggml's number of the type.

    Q5_0, 22 bytes     0:1+1:1           the scale, a number of 16 bits in bytes 0 and 1
    ┌─2─┬─4──┬─16──┐   6:16/4+2:1x4/1    32 quants of 5 bits: 4 low ones in the halves of 16 bytes, the highest in 4 bytes
    │ d │ qh │ qs  │
    └───┴────┴─────┘

A field is written as its parts, lowest bits first, joined by `+`. A part `start:run x groups / bits` is `bits` bits (all 8
unless given) at each shift of the bytes from `start` on, in `groups` (1 unless given) of `run` bytes; `@shift` is a single
shift. Each bit of a block belongs to one part of one field. Source: ggml-common.h (blocks), ggml-quants.c (functions
dequantize_row_*) and the enumeration ggml_type of ggml.
"""

from __future__ import annotations

import functools
from typing import NamedTuple


class Part(NamedTuple):
    """Some bits of each number of a field: `bits` at each of `shifts`, of `groups` runs of `run` bytes from byte `start`.

    The numbers are in the order of the groups, within one of the shifts, within these of the bytes.
    """

    start: int
    run: int
    groups: int
    bits: int
    shifts: tuple[int, ...]

    @property
    def length(self) -> int:
        """Numbers of one block."""
        return self.groups * len(self.shifts) * self.run

    @property
    def end(self) -> int:
        """The byte of the block after its last one."""
        return self.start + self.groups * self.run

    @classmethod
    def parse(cls, text: str) -> Part:
        """Parse the notation of a part."""
        text, _, shift = text.partition("@")
        text, _, bits = text.partition("/")
        start, _, runs = text.partition(":")
        run, _, groups = runs.partition("x")
        width = int(bits or 8)
        shifts = (int(shift),) if shift else tuple(range(0, 8, width))
        return cls(int(start), int(run), int(groups or 1), width, shifts)


class Field(NamedTuple):
    """Unsigned numbers of a block; the first of their `parts` has their lowest bits."""

    parts: tuple[Part, ...]

    @property
    def bits(self) -> int:
        """Bits of one number, at most 32."""
        return sum(part.bits for part in self.parts)

    @property
    def planes(self) -> int:
        """Bytes that hold one number."""
        return -(-self.bits // 8)

    @property
    def length(self) -> int:
        """Numbers of one block."""
        return self.parts[0].length


class BlockLayout(NamedTuple):
    """A block of `size` bytes, whose type has the name `dtype`; the notation of its fields is above."""

    dtype: str
    size: int
    notation: str

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in the order in which their planes are stored."""
        return _fields(self.notation)


@functools.cache
def _fields(notation: str) -> tuple[Field, ...]:
    return tuple(Field(tuple(map(Part.parse, field.split("+")))) for field in notation.split())


LAYOUTS = {
    2: BlockLayout("Q4_0", 18, "0:1+1:1 2:16/4"),
    3: BlockLayout("Q4_1", 20, "0:1+1:1 2:1+3:1 4:16/4"),
    6: BlockLayout("Q5_0", 22, "0:1+1:1 6:16/4+2:1x4/1"),
    7: BlockLayout("Q5_1", 24, "0:1+1:1 2:1+3:1 8:16/4+4:1x4/1"),
    8: BlockLayout("Q8_0", 34, "0:1+1:1 2:32"),
    10: BlockLayout("Q2_K", 84, "0:16/4 16:32x2/2 80:1+81:1 82:1+83:1"),
    11: BlockLayout("Q3_K", 110, "32:32x2/2+0:32/1 96:8/4+104:4/2 108:1+109:1"),
    12: BlockLayout("Q4_K", 144, "0:1+1:1 2:1+3:1 4:8/6@0 12:4/4+4:8/2@6 16:32x4/4"),
    13: BlockLayout("Q5_K", 176, "0:1+1:1 2:1+3:1 4:8/6@0 12:4/4+4:8/2@6 48:32x4/4+16:32/1"),
    14: BlockLayout("Q6_K", 210, "0:64x2/4+128:32x2/2 192:16 208:1+209:1"),
    15: BlockLayout("Q8_K", 292, "0:1+1:1+2:1+3:1 4:288"),
    20: BlockLayout("IQ4_NL", 18, "0:1+1:1 2:16/4"),
    23: BlockLayout("IQ4_XS", 136, "0:1+1:1 4:1x4/4+2:1x2/2 8:32x4/4"),
    35: BlockLayout("TQ2_0", 66, "0:32x2/2 64:1+65:1"),
    39: BlockLayout("MXFP4", 17, "0:1 1:16/4"),
    40: BlockLayout("NVFP4", 36, "0:4 4:8x4/4"),
}
"""All layouts. A number never changes its meaning: entries of packs have it."""
NUMBERS = {layout.dtype: number for number, layout in LAYOUTS.items()}
