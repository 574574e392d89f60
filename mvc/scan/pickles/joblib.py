"""joblib: a pickle in which the bytes of an array follow the state of its wrapper.

    NumpyArrayWrapper { shape: (384, 384), dtype: float32, numpy_array_alignment_bytes: 16 } BUILD │ 07 ff … │ numbers │ opcodes

The numbers are passed over by dtype and shape, as joblib does; an array of objects is a pickle of its own there. `pickle.load`
would read them as opcodes, so they are read in this way as well. Source: joblib/numpy_pickle.py.
"""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any, NamedTuple

from mvc.formats.source import HeaderError
from mvc.scan import known_names
from mvc.scan.globals import WRAPPER
from mvc.scan.pickles import rules
from mvc.scan.pickles.calls import Calls
from mvc.scan.pickles.machine import Machine
from mvc.scan.pickles.values import Container, Made
from mvc.scan.pickles.window import Window

_TYPE = re.compile(r"[<>|=]?([?biufcmMSUVOa])([0-9]{0,9})(?:\[.{1,20}\])?")
_NAMES = {"bool": 1, "float16": 2, "float32": 4, "float64": 8, "int8": 1, "int16": 2, "int32": 4, "int64": 8,
          "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "object": 0}  # fmt: skip
_WIDE = 4
"""Bytes of a character of a text in numpy."""
_MAX_ALIGNMENT = 255
_MAX_FIELDS = 4
"""Dtypes inside one another, at most."""


class _Dtype(NamedTuple):
    size: int
    has_objects: bool


class ArrayCalls(Calls):
    """The judgement for `joblib.load`, and for `pickle.load`."""

    def build(self, machine: Machine, instance: Any, state: Any) -> None:
        """Judge the state of an object, and pass over the array that follows that of a wrapper."""
        super().build(machine, instance, state)
        if isinstance(instance, Made) and instance.function is not None and instance.function.path == WRAPPER:
            self._read_as_opcodes(machine)
            if machine.frame_end == machine.window.position:
                machine.frame_end = 0
            if machine.frame_end:  # joblib reads the array behind the frame
                machine.report(rules.FRAME)
            self._pass_array(machine, state)

    def _pass_array(self, machine: Machine, state: Any) -> None:
        shape = state.get("shape") if isinstance(state, Container) else None
        dtype = _dtype(state.get("dtype")) if isinstance(state, Container) else None
        if dtype is None or not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
            machine.report(rules.ARRAY)
            raise HeaderError("the size of an array in its pickle is not known")
        if dtype.has_objects:
            Machine(machine.window, machine.scan, Calls()).read()
            return
        alignment = state.get("numpy_array_alignment_bytes")
        if alignment is not None:
            machine.window.skip(machine.window.number(1))
        machine.window.skip(math.prod(shape) * dtype.size)

    @staticmethod
    def _read_as_opcodes(machine: Machine) -> None:
        """Read the bytes of the array as `pickle.load` does; findings count where it would call something."""
        window = Window(machine.window.source, machine.window.position)
        trial = machine.scan.trial()
        inner = Machine(window, trial, Calls())
        inner.stack, inner.marked = list(machine.stack), [list(items) for items in machine.marked]
        inner.memo = dict(machine.memo)
        with contextlib.suppress(HeaderError):
            inner.read()
        runs = (rules.CALL.id, rules.IMPORT.id)  # the memo of an inner pickle gives meaningless names as well
        findings = [finding for finding in trial.result().findings if finding.rule in runs]
        if any(known_names.is_widespread(name) for finding in findings for name in finding.names):
            machine.scan.adopt(trial)


def _dtype(value: Any, depth: int = _MAX_FIELDS) -> _Dtype | None:
    """Return the size of a dtype, and whether it has objects; None if it cannot be read."""
    if not isinstance(value, Made) or value.function is None or value.function.path != "numpy.dtype" or not depth:
        return None
    name = value.args[0] if isinstance(value.args, tuple) and value.args else None
    match = _TYPE.fullmatch(name) if isinstance(name, str) else None
    if name in _NAMES:
        return _Dtype(_NAMES[name], name == "object")
    if match is None:
        return None
    kind, digits = match[1], int(match[2] or 1)
    parts = [part for part in _parts(value.state) if isinstance(part, Made)]
    inner = [_dtype(part, depth - 1) for part in parts]
    if any(part is None for part in inner):
        return None
    has_objects = kind == "O" or any(part.has_objects for part in inner if part is not None)
    return _Dtype(digits * _WIDE if kind == "U" else digits, has_objects)


def _parts(state: Any) -> list[Any]:
    """Return the dtypes that the state of a dtype names: that of the elements of a subarray, and those of fields."""
    if not isinstance(state, tuple):
        return []
    parts = [item[0] for item in state if isinstance(item, tuple) and item]
    for item in state:
        if isinstance(item, Container) and item.entries:
            parts += [field[0] for field in item.entries.values() if isinstance(field, tuple) and field]
    return parts
