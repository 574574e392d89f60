"""joblib: a pickle in which the bytes of an array follow the state of its wrapper.

    NumpyArrayWrapper { shape: (384, 384), dtype: float32, numpy_array_alignment_bytes: 16 } BUILD │ 07 ff … │ numbers │ opcodes

The numbers are passed over by dtype and shape, as joblib does; an array of objects is a pickle of its own there. `pickle.load`
would read them as opcodes, so they are read in this way as well. Source: joblib/numpy_pickle.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from mvc.formats.source import HeaderError, TooLongError
from mvc.scan import known_names
from mvc.scan.globals import BESIDE, WRAPPER
from mvc.scan.pickles import dtypes, rules
from mvc.scan.pickles.calls import Calls
from mvc.scan.pickles.machine import Machine
from mvc.scan.pickles.values import Container, Made
from mvc.scan.pickles.window import Window
from mvc.scan.verdict import Finding

_CALLED = (rules.CALL.id, rules.CODE_CALL.id, rules.CLASS.id, rules.CLASS_ARGUMENTS.id, rules.INSTANCE.id)
_COPIES = 64
"""Values of a stack whose copying counts as one opcode."""
_MAX_COUNT = 1 << 63
"""Elements from which joblib's own product overflows."""


class _Overlay(dict[int, Any]):
    """A memo above another one, which is neither changed nor copied: a pickle may have many arrays."""

    def __init__(self, below: dict[int, Any]) -> None:
        super().__init__()
        self._below = below
        self._count = len(below)

    def __contains__(self, index: object) -> bool:
        return super().__contains__(index) or index in self._below

    def __setitem__(self, index: int, value: Any) -> None:
        self._count += index not in self
        super().__setitem__(index, value)

    def __missing__(self, index: int) -> Any:
        return self._below[index]

    def __len__(self) -> int:
        return self._count

    def texts(self) -> set[str]:
        """Return the texts of both."""
        return {value for memo in (self._below, self) for value in memo.values() if isinstance(value, str)}


class ArrayCalls(Calls):
    """The judgement for `joblib.load`, and for `pickle.load`."""

    def build(self, machine: Machine, instance: Any, state: Any) -> None:
        """Judge the state of an object, and pass over the array that follows that of a wrapper."""
        super().build(machine, instance, state)
        if isinstance(instance, Made) and instance.function is not None and instance.function.path in BESIDE:
            self._check_file(machine, state)
        if isinstance(instance, Made) and instance.function is not None and instance.function.path == WRAPPER:
            self._read_as_opcodes(machine, state)
            if machine.frame_end == machine.window.position:
                machine.frame_end = 0
            if machine.frame_end:  # joblib reads the array behind the frame
                machine.report(rules.FRAME)
            self._pass_array(machine, state)

    @staticmethod
    def _check_file(machine: Machine, state: Any) -> None:
        """Report an array in another folder: joblib joins the name to that of the pickle's."""
        name = state.get("filename") if isinstance(state, Container) and not state.is_full else None
        if not isinstance(name, str) or not name or "/" in name or "\\" in name or name.startswith("."):
            machine.report(rules.OUTSIDE, detail=str(name))

    def _pass_array(self, machine: Machine, state: Any) -> None:
        fields = state if isinstance(state, Container) and not state.is_full else Container("dict")
        shape, dtype = fields.get("shape"), dtypes.read(fields.get("dtype"))
        is_shape = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
        count = math.prod(shape) if is_shape else _MAX_COUNT
        if dtype is None or count >= _MAX_COUNT:
            machine.report(rules.ARRAY)
            raise HeaderError("the size of an array in its pickle is not known")
        if dtype.has_objects:
            Machine(machine.window, machine.scan, Calls()).read()
            return
        if fields.get("numpy_array_alignment_bytes") is not None:
            machine.window.skip(machine.window.number(1))
        machine.window.skip(count * dtype.size)

    @classmethod
    def _read_as_opcodes(cls, machine: Machine, state: Any) -> None:
        """Read the bytes of the array as `pickle.load` does; findings count where it would call something."""
        window = Window(machine.window.source, machine.window.position)
        trial = machine.scan.trial()
        inner = Machine(window, trial, Calls())
        copied = len(machine.stack) + len(machine.marked) + sum(map(len, machine.marked))
        machine.scan.limits.follow(copied // _COPIES)
        inner.stack, inner.marked = list(machine.stack), [list(items) for items in machine.marked]
        inner.memo = _Overlay(machine.memo)
        try:
            inner.read()
        except TooLongError:  # an unpickler goes on
            raise
        except HeaderError:
            pass
        findings = trial.result().findings
        runs = (rules.CALL.id, rules.IMPORT.id)
        names = [name for finding in findings if finding.rule in runs for name in finding.names]
        if any(map(known_names.is_widespread, names)) or cls._calls(inner, findings, state):
            machine.scan.adopt(trial)

    @staticmethod
    def _calls(inner: Machine, findings: Iterable[Finding], state: Any) -> bool:
        """Return whether the bytes look up a name and call it. In a pickle of objects, the memo gives meaningless names."""
        dtype = dtypes.read(state.get("dtype")) if isinstance(state, Container) else None
        is_pickle = dtype is not None and dtype.has_objects
        texts = inner.memo.texts() if is_pickle and isinstance(inner.memo, _Overlay) else set()
        spelled = {named.path for named in inner.names if named.is_sound and not {named.module, named.name} & texts}
        return any(finding.rule in _CALLED and spelled.intersection(finding.names) for finding in findings)
