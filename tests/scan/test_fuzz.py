"""Differential fuzz: no unpickler of CPython looks up a name that the scan has not seen, where its verdict lets a pickle pass."""

from __future__ import annotations

import collections
import contextlib
import io
import pickle
import pickletools
import random
from typing import Any, ClassVar, Self

import numpy as np

from mvc.formats.source import HeaderError, Source
from mvc.scan.pickles.joblib import ArrayCalls
from mvc.scan.pickles.machine import _RENAMED, _RENAMED_NAMES, Machine
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan
from mvc.scan.verdict import Verdict
from tests.scan import structures

MUTATIONS, DEEP = 100_000, 1_000_000
LONGEST = 1 << 16
_OPCODES = bytes(operation.code.encode("latin1")[0] for operation in pickletools.opcodes)


class Stub:
    """What stands in for every class and function: it may be called, made, built and filled."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None: ...
    def __call__(self, *_: Any, **__: Any) -> Stub:
        return self

    def __setstate__(self, _: object) -> None: ...
    def __setitem__(self, *_: object) -> None: ...
    def append(self, _: object) -> None: ...
    def extend(self, _: object) -> None: ...
    def add(self, _: object) -> None: ...


class _Lookups:
    """The names that an unpickler looks up."""

    seen: list[tuple[str, str]]

    def find_class(self, module: str, name: str) -> Any:
        self.seen.append(_RENAMED_NAMES.get((module, name), (_RENAMED.get(module, module), name)))
        return Stub

    def persistent_load(self, _: object) -> Any:
        return Stub()


class InC(_Lookups, pickle.Unpickler):
    """CPython's unpickler in C."""


class InPython(_Lookups, pickle._Unpickler):
    """CPython's unpickler in Python, which would make a bytearray of any size before it looks for its bytes."""

    def _bytearray(self: Any) -> None:
        size = int.from_bytes(self.read(8), "little")
        if size > LONGEST:  # longer than all that it reads: nothing is left after it
            raise pickle.UnpicklingError
        array = bytearray(size)
        self.readinto(array)
        self.append(array)

    dispatch: ClassVar[Any] = pickle._Unpickler.dispatch | {pickle.BYTEARRAY8[0]: _bytearray}


def lookups(kind: type[Any], data: bytes) -> list[tuple[str, str]]:
    unpickler = kind(io.BytesIO(data))
    unpickler.seen = []
    with contextlib.suppress(Exception):
        unpickler.load()
    return list(unpickler.seen)


def bases() -> list[bytes]:
    """Small pickles of every protocol and structure."""
    values = [
        {"a": 1},
        [1, 2.5, "x", b"y", None, True, -300, 70000],
        collections.OrderedDict(a=(1, 2)),
        {1, 2},
        np.float32(1),
        bytearray(b"ab"),
        (1, (2, 3), [4], {5: 6}),
        frozenset(["q"]),
        3j,
    ]
    return [pickle.dumps(value, protocol) for value in values for protocol in range(6)]


def parts() -> list[bytes]:
    """Pickles of which parts are inserted into others."""
    files = [*structures.ALONE.values(), *(data for data, _ in structures.RUNNING.values())]
    return [*bases(), *(data for data in files if len(data) < 200)]


def mutated(data: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """One to three changes: a byte, an opcode, bytes that go, bytes that come, or a part of another pickle."""
    changed = bytearray(data)
    for _ in range(1 + (rng.random() < 0.3)):
        draw, at = rng.random(), int(rng.random() * len(changed))
        if draw < 0.3:
            changed[at : at + 1] = bytes([int(rng.random() * 256)])
        elif draw < 0.6:
            changed[at:at] = _OPCODES[(code := int(rng.random() * len(_OPCODES))) : code + 1]
        elif draw < 0.75:
            del changed[at : at + 1 + int(rng.random() * 3)]
        else:
            other = others[int(rng.random() * len(others))]
            begin = int(rng.random() * len(other))
            changed[at:at] = other[begin : begin + 1 + int(rng.random() * 12)]
    return bytes(changed)


def unseen(data: bytes) -> tuple[Verdict, set[tuple[str, str]]]:
    """The verdict of a pickle, and the names that an unpickler looks up and the scan has not seen."""
    scan = Scan()
    machine = Machine(Window(Source(lambda offset, size: data[offset : offset + size], len(data))), scan, ArrayCalls())
    verdict = Verdict.PLAIN
    try:
        machine.read()
    except HeaderError:
        verdict = Verdict.DAMAGED
    verdict = max(verdict, scan.result().verdict)
    if verdict > Verdict.DAMAGED:
        return verdict, set()
    names = lookups(InC, data) + lookups(InPython, data)
    return verdict, set(names) - {(named.module, named.name) for named in machine.names} if names else set()


def test_no_lookup_is_unseen(rng: random.Random, deep: bool) -> None:
    pickles, others = bases(), parts()
    verdicts: collections.Counter[Verdict] = collections.Counter()
    for _ in range(DEEP if deep else MUTATIONS):
        data = mutated(pickles[int(rng.random() * len(pickles))], rng, others)
        verdict, names = unseen(data)
        assert not names, (data, verdict, names)
        verdicts[verdict] += 1
    assert min(verdicts[Verdict.PLAIN], verdicts[Verdict.DAMAGED], verdicts[Verdict.HOSTILE]) > MUTATIONS // 100
