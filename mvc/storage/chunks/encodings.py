"""The encodings of a pack entry, by their number in its header.

RAW         unchanged                                      a JPEG, random bytes
ZSTD        one zstd frame                                 text, a graph
PLANES      byte planes, each compressed by itself         weights:      fp32 → 84 %, bf16 → 67 %
PHASED      PLANES, of numbers that begin some bytes in    the same in a file of unknown format
DIFFERENCE  planes of the difference from a delta base     a fine-tune:  fp32 → 32 %, bf16 → 5 %
BLOCKS      the same, of the fields of quantised blocks    a fine-tune:  Q8_0 → 8 %, Q4_0 → 6 %
DELTA       the same, of the order of floats               what earlier versions of mvc wrote
BFLOAT      DELTA, the base rounded from fp32 to bf16      the bf16 copy of stored weights: nearly nothing
HALF        DELTA, the base rounded from fp32 to fp16      the same for fp16
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mvc import lazy
from mvc.model.ids import Buffer

if TYPE_CHECKING:
    from mvc.storage.chunks import block_layouts
else:
    block_layouts = lazy.Module("mvc.storage.chunks.block_layouts")

RAW = 0
ZSTD = 1
PLANES = 2
DELTA = 3
BFLOAT = 4
HALF = 5
DIFFERENCE = 6
PHASED = 7
BLOCKS = 8

NAMES = {
    RAW: "raw", ZSTD: "zstd", PLANES: "planes", DELTA: "delta", BFLOAT: "bf16 of a base", HALF: "fp16 of a base",
    DIFFERENCE: "difference", PHASED: "planes at a phase", BLOCKS: "difference of blocks",
}  # fmt: skip
"""All encodings of the format."""
FEATURES = {
    PLANES: "planes", DELTA: "delta", BFLOAT: "cast", HALF: "cast", DIFFERENCE: "difference", PHASED: "phase",
    BLOCKS: "blocks",
}  # fmt: skip
"""The feature that a store `requires` of its readers before it has entries of an encoding."""
CASTS = (BFLOAT, HALF)
"""Encodings whose base is fp32, and is rounded."""
BASED = (DELTA, DIFFERENCE, BLOCKS, *CASTS)
"""Encodings of deltas."""

GAPPED = (DIFFERENCE, BLOCKS)
"""Encodings whose planes may be stored as gaps between the bytes that are not zero."""

WIDTHS = (1, 2, 4, 8)
"""Bytes of one number."""
_PHASE = 4
"""The bit of the width byte from which an encoding that has a phase holds it."""

Base = tuple[int, Buffer]
"""The encoding of a delta, and the raw bytes of its base."""

WORTH = 0.97
"""The largest ratio of stored to raw bytes at which an encoding is kept: smaller savings do not pay for slower reads."""
WORTH_A_BASE = 0.9
"""The largest ratio of delta to planes at which a delta is kept: reading it means reading its base too."""
PROBE = 8 * 1024
"""Size of the sample that is compressed first, so that incompressible data costs little."""
PARTS = 4
"""The ranges of a sample, evenly spread: rows that were never trained may lie among those that were."""


def pays(packed: int, size: int) -> bool:
    """Return whether storing `packed` bytes instead of `size` is worth the decoding."""
    return packed <= size * WORTH


class Shape(NamedTuple):
    """The numbers of a chunk: each has `width` bytes, and the first begins after `phase` bytes.

    With `blocks`, the number of a block layout, the phase is that of the blocks; as numbers, they are bytes.
    """

    width: int
    phase: int = 0
    blocks: int = 0

    def byte(self, encoding: int) -> int:
        """Return the width byte of an entry of these numbers: 0 for an encoding that is not of numbers."""
        if encoding not in FEATURES:
            return 0
        if self.blocks:
            return self.blocks if encoding == BLOCKS else self.width
        return self.width | self.phase << _PHASE


def shape(encoding: int, byte: int) -> Shape | None:
    """Return the shape of the numbers of an entry, from its width byte; None if that is invalid for its encoding.

    The phase of blocks is not in it, but in the stored bytes.
    """
    if encoding == BLOCKS:
        return Shape(1, blocks=byte) if byte in block_layouts.LAYOUTS else None
    phased = encoding in (DIFFERENCE, PHASED)
    found = Shape(byte & (1 << _PHASE) - 1, byte >> _PHASE) if phased else Shape(byte)
    valid = found.width in WIDTHS and found.phase < found.width and (found.phase > 0 or encoding != PHASED)
    return found if valid and encoding in FEATURES else None


def features(encoding: int) -> set[str]:
    """Return the features that a store with entries of this encoding requires of its readers."""
    return {FEATURES[encoding]} if encoding in FEATURES else set()
