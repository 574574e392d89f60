"""Cases of the scan: bytes, the loader that runs them, and the rule that finds them."""

from __future__ import annotations

from dataclasses import dataclass

from mvc.formats.source import Source

MARKER = "ran"
"""The file that each payload makes in the current folder."""


@dataclass(frozen=True)
class Case:
    """A hostile file. With `loader`, the name of a function of `loaders`, its payload was seen to run."""

    family: str
    name: str
    data: bytes
    rule: str
    loader: str = ""

    @property
    def id(self) -> str:
        return f"{self.family}: {self.name}"


def source(data: bytes, name: str = "model.bin") -> Source:
    return Source(lambda offset, size: data[offset : offset + size], len(data), name)
