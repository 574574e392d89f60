"""The encodings of a pack entry, by their number in its header.

RAW       unchanged                                    a JPEG, random bytes
ZSTD      one zstd frame                               text, a graph
PLANES    byte planes, each compressed by itself       weights:      fp32 → 84 %, bf16 → 67 %
DELTA     planes of the difference from a delta base   a fine-tune:  fp32 → 33 %, bf16 → 5 %
BFLOAT    DELTA, the base rounded from fp32 to bf16    the bf16 copy of stored weights: nearly nothing
HALF      DELTA, the base rounded from fp32 to fp16    the same for fp16
"""

from __future__ import annotations

from mvc.model.ids import Buffer

RAW = 0
ZSTD = 1
PLANES = 2
DELTA = 3
BFLOAT = 4
HALF = 5

NAMES = {RAW: "raw", ZSTD: "zstd", PLANES: "planes", DELTA: "delta", BFLOAT: "bf16 of a base", HALF: "fp16 of a base"}
"""All encodings of the format."""
FEATURES = {PLANES: "planes", DELTA: "delta", BFLOAT: "cast", HALF: "cast"}
"""The feature that a store `requires` of its readers before it has entries of an encoding."""
CASTS = (BFLOAT, HALF)
"""Encodings whose base is fp32, and is rounded."""
BASED = (DELTA, *CASTS)
"""Encodings of deltas."""

Base = tuple[int, Buffer]
"""The encoding of a delta, and the raw bytes of its base."""

WORTH = 0.97
"""The largest ratio of stored to raw bytes at which an encoding is kept: smaller savings do not pay for slower reads."""
WORTH_A_BASE = 0.9
"""The largest ratio of delta to planes at which a delta is kept: reading it means reading its base too."""
PROBE = 8 * 1024
"""Size of the sample that is compressed first, so that incompressible data costs little."""


def pays(packed: int, size: int) -> bool:
    """Return whether storing `packed` bytes instead of `size` is worth the decoding."""
    return packed <= size * WORTH


def features(encoding: int) -> set[str]:
    """Return the features that a store with entries of this encoding requires of its readers."""
    return {FEATURES[encoding]} if encoding in FEATURES else set()
