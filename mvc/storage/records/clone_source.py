"""The record of a clone that is not finished: what is being cloned, so that the same command can resume it.

    clone  {"kind":"clone","model":null,"url":"s3://models/vision","v":1,"sum":"…"}

It comes with `.mvc` itself and is removed last. While it is there, only the same `clone` and `fsck` open the repository.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from mvc import errors
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed

NAME = "clone"
_WHAT = "the record of an unfinished clone"


class CloneSource(NamedTuple):
    """The URL that is cloned, and the one model that was asked for (None: all)."""

    url: str
    model: str | None = None

    def encode(self) -> bytes:
        """Its exact bytes, with checksum."""
        return sealed.seal({"kind": "clone", "v": 1, "url": self.url, "model": self.model})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The record in `data`; raises Damaged."""
        record = sealed.unseal(data, what=_WHAT, kind="clone")
        url, model = record.get("url"), record.get("model")
        if len(record) != 4 or record.get("v") != 1 or not isinstance(url, str) or not isinstance(model, str | None):
            raise errors.Damaged(what=_WHAT, reason="its fields are not those of a clone")
        return cls(url, model)


def unfinished(door: StoreDoor) -> CloneSource | None:
    """What an unfinished clone is of, None for any other repository; raises Damaged."""
    try:
        return CloneSource.decode(door.read(NAME))
    except FileNotFoundError:
        return None


def end(door: StoreDoor) -> None:
    """Declare the clone finished, durably."""
    door.remove(NAME)
