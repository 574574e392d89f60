"""Environment records: what a training ran on, in the small file `environment.json` of a version.

    {"cuda":"12.4","driver":"550.54.15","gpus":["NVIDIA L4"],"kind":"environment",
     "packages":{"torch":"2.4.0","ultralytics":"8.3.1"},"platform":"Linux 6.1.0 x86_64 glibc 2.36","python":"cpython 3.11.7"}

In the file each package has a line of its own. Equal environments have equal bytes. What two records differ in is a list
of changes: `torch 2.3.0 -> 2.4.0`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Self

from mvc.deferred import dataclass
from mvc.model.document import Document

ROLE = "environment"
NAME = "environment.json"
"""The role of such a file, and its name."""
KIND = "environment"
MAX_BYTES = 1 << 20
"""Bytes of a record, at most."""
_TEXTS = ("python", "platform", "cuda", "driver")
_KEYS = {"kind", "gpus", "packages", *_TEXTS}


@dataclass(frozen=True, slots=True)
class EnvironmentRecord:
    """Python, operating system, packages by name with their versions, and GPUs; None for what is unknown or absent."""

    python: str | None
    platform: str | None
    packages: Mapping[str, str] = field(default_factory=dict)
    gpus: tuple[str, ...] = ()
    cuda: str | None = None
    driver: str | None = None

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        record = {name: getattr(self, name) for name in _TEXTS}
        record |= {"kind": KIND, "gpus": list(self.gpus), "packages": dict(self.packages)}
        return f"{json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)}\n".encode("utf-8", "replace")

    @classmethod
    def decode(cls, data: bytes | str) -> Self | None:
        """Return the record in a file; None if it is none, as one of another program is."""
        try:
            record = json.loads(data) if len(data) <= MAX_BYTES else None
        except (ValueError, RecursionError):
            return None
        if not isinstance(record, dict) or record.get("kind") != KIND or not record.keys() >= _KEYS:
            return None
        packages, gpus = record["packages"], record["gpus"]
        is_valid = all(record[name] is None or isinstance(record[name], str) for name in _TEXTS)
        if not is_valid or not isinstance(packages, dict) or not isinstance(gpus, list):
            return None
        if not all(isinstance(text, str) for text in (*packages.values(), *gpus)):
            return None
        return cls(record["python"], record["platform"], packages, tuple(gpus), record["cuda"], record["driver"])


@dataclass(frozen=True, slots=True)
class EnvironmentChange(Document):
    """A part of the environment before and after: a package by its name, `python`, `gpus` …; None where it is absent."""

    name: str
    old: str | None
    new: str | None


def changes(old: EnvironmentRecord, new: EnvironmentRecord) -> tuple[EnvironmentChange, ...]:
    """Return what differs: Python, platform and GPUs first, then packages by name."""
    return tuple(change for change in _compared(old, new) if change.old != change.new)


def _compared(old: EnvironmentRecord, new: EnvironmentRecord) -> Iterator[EnvironmentChange]:
    for name in _TEXTS:
        yield EnvironmentChange(name, getattr(old, name), getattr(new, name))
    yield EnvironmentChange("gpus", _listed(old.gpus), _listed(new.gpus))
    for name in sorted({*old.packages, *new.packages}):
        yield EnvironmentChange(name, old.packages.get(name), new.packages.get(name))


def _listed(gpus: tuple[str, ...]) -> str | None:
    """Return `2 x NVIDIA L4, NVIDIA T4`; None without any."""
    counts: dict[str, int] = {}
    for name in gpus:
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} x {name}" if count > 1 else name for name, count in counts.items()) or None
