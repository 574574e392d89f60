"""Checkpoints of torch (`.pt`, `.pth`, `.ckpt`): a zip of storages, and a pickle that names the tensors in them.

    archive/data.pkl    which tensors there are; read without running it
    archive/data/0 …    their numbers, as they are

The zip's directory alone says where the storages lie. Where the pickle cannot be read they have no names.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from mvc.formats import torchpickle, zipdirectory
from mvc.formats.header import Header, ordered
from mvc.formats.source import HeaderError, Source
from mvc.formats.torchpickle import Tensor
from mvc.formats.zipdirectory import Member
from mvc.model.segment import WIDTHS, Segment

_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".tar")
_LIST = "data.pkl"
_Named = tuple[str, Tensor]


def matches(start: bytes, source: Source) -> bool:
    """Whether it is a zip whose first member is an archive's list of tensors, or which is named as a checkpoint."""
    if not start.startswith(zipdirectory.MAGIC):
        return False
    name = source.read(30, min(256, source.size - 30))[: int.from_bytes(source.read(26, 2), "little")]
    return name.endswith(b"/" + _LIST.encode()) or source.name.endswith(_SUFFIXES)


def read(source: Source) -> Header:
    """The tensors of a checkpoint, or its storages; raises HeaderError where the zip lies."""
    members = zipdirectory.members(source)
    lists = [member for member in members if member.name.endswith("/" + _LIST)]
    if not lists:
        raise HeaderError(f"it has no {_LIST}")
    top = lists[0].name.removesuffix(_LIST)
    named = _by_storage(source, lists[0])
    segments: list[Segment] = []
    for member in members:
        key = member.name.removeprefix(f"{top}data/")
        if member.stored and member.size and key != member.name:
            segments += _segments(named.get(key, []), member, zipdirectory.locate(source, member))
    return Header("torch", ordered(segments, source.size))


def _by_storage(source: Source, member: Member) -> dict[str, list[_Named]]:
    """The tensors that the list names, by the key of their storage; none where it cannot be read."""
    if not member.stored or member.size > torchpickle.MAX_BYTES:
        return {}
    data = source.read(zipdirectory.locate(source, member), member.size)
    found: dict[str, list[_Named]] = {}
    try:
        for name, tensor in torchpickle.tensors(data):
            found.setdefault(tensor.storage.key, []).append((name, tensor))
    except HeaderError:
        return {}
    return found


def _segments(named: Sequence[_Named], member: Member, offset: int) -> list[Segment]:
    """The tensors of a storage where they fill it side by side; else the storage, named as its first one."""
    if not named:
        return [Segment(offset, member.size)]
    dtype = named[0][1].storage.dtype
    width = WIDTHS.get(dtype, 0)
    if not width or named[0][1].storage.elements * width != member.size:
        return [Segment(offset, member.size, named[0][0])]
    tiles = list(_tiles(named))
    if sum(math.prod(shape) for _, _, shape in tiles) * width == member.size:
        return [
            Segment(offset + start * width, math.prod(shape) * width, name, dtype, shape)
            for name, start, shape in tiles
        ]
    return [Segment(offset, member.size, named[0][0], dtype)]


def _tiles(named: Sequence[_Named]) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Name, first element and shape of the tensors that lie one after the other; of equal ones the first."""
    end = 0
    for name, tensor in sorted(named, key=lambda each: each[1].start):
        if tensor.start == end and _is_contiguous(tensor):
            yield name, end, tensor.shape
            end += math.prod(tensor.shape)


def _is_contiguous(tensor: Tensor) -> bool:
    """Whether the elements lie in the order of the indexes."""
    steps = itertools.accumulate(reversed(tensor.shape[1:]), lambda a, b: a * b, initial=1)
    expected = list(steps)[::-1] if tensor.shape else []
    pairs = zip(tensor.shape, tensor.stride, expected, strict=False)
    return len(tensor.shape) == len(tensor.stride) and all(size == 1 or step == want for size, step, want in pairs)
