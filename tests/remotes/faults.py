"""A backend whose n-th call goes wrong, in each way in which a network can make it go wrong."""

from __future__ import annotations

import enum
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mvc import errors
from mvc.model.ids import Buffer
from mvc.remotes.backends.backend import Backend, Listed, Outcome

T = TypeVar("T")


class Fault(enum.Enum):
    """What happens to one call."""

    REFUSED = "nothing is done, and no answer comes"
    LOST = "it is done, and no answer comes"
    CUT = "what is read ends early, or what is sent"
    FLIPPED = "a bit of what is read is another"
    STALE = "a listing lacks its last name"


class Faulty(Backend):
    """Passes calls on to another backend, but for call number `at`, from 1, and `times` of them from there.

    `calls` is what was called, `read_bytes` the bytes of ranges that were read.
    """

    def __init__(self, inner: Backend, fault: Fault | None = None, at: int = 0, times: int = 1) -> None:
        super().__init__(inner.where)
        self._inner = inner
        self._fault = fault
        self._bad = range(at, at + times)
        self.calls: list[str] = []
        self.read_bytes = 0

    @property
    def sent(self) -> int:
        """How often a pack was sent."""
        return sum(call.startswith("put packs/") for call in self.calls)

    def create(self, name: str, body: bytes) -> Outcome:
        return self._call("create", name, lambda: self._inner.create(name, body))

    def put(self, name: str, source: Path) -> None:
        with tempfile.NamedTemporaryFile() as short:
            short.write(source.read_bytes()[:-10])
            short.flush()
            cut = len(self.calls) + 1 in self._bad and self._fault is Fault.CUT
            self._call("put", name, lambda: self._inner.put(name, Path(short.name) if cut else source))

    def read(self, name: str, limit: int) -> bytes:
        return self._garbled(self._call("read", name, lambda: self._inner.read(name, limit)))

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        data = self._garbled(self._call("range", name, lambda: self._inner.read_range(name, offset, size)))
        self.read_bytes += len(data)
        return data

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        blocks: list[bytes] = []
        self._call("get", name, lambda: self._inner.get(name, lambda block: blocks.append(bytes(block)), limit))
        sink(self._garbled(b"".join(blocks)))

    def list(self, folder: str) -> Iterator[Listed]:
        listed = self._call("list", folder, lambda: sorted(self._inner.list(folder)))
        return iter(listed[:-1] if self._now() is Fault.STALE else listed)

    def delete(self, names: Sequence[str]) -> None:
        self._call("delete", ",".join(names), lambda: self._inner.delete(names))

    def close(self) -> None:
        self._inner.close()

    def _call(self, what: str, name: str, call: Callable[[], T]) -> T:
        self.calls.append(f"{what} {name}")
        fault = self._now()
        if fault is Fault.LOST:
            call()
        if fault in (Fault.LOST, Fault.REFUSED):
            raise errors.RemoteUnreachable(remote=self.where, reason=f"call {len(self.calls)} went wrong on purpose")
        return call()

    def _garbled(self, data: bytes) -> bytes:
        if self._now() is Fault.CUT:
            return data[: len(data) // 2]
        if self._now() is Fault.FLIPPED and data:
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        return data

    def _now(self) -> Fault | None:
        return self._fault if len(self.calls) in self._bad else None
