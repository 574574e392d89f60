"""A backend whose key may only create: nothing is deleted and nothing is overwritten, as a careful owner's policy has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mvc import errors
from mvc.model.ids import Buffer
from mvc.remotes.backends.backend import Backend, Listed, Outcome


class PutOnly(Backend):
    """`inner` by such a key; `before` is called with the name before each file is written."""

    def __init__(self, inner: Backend, before: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(inner.where, inner.read_size)
        self.inner = inner
        self.before = before

    def create(self, name: str, body: bytes) -> Outcome:
        self.before(name)
        return self.inner.create(name, body)

    def put(self, name: str, source: Path) -> None:
        self.before(name)
        if any(each.name == name for each in self.inner.list(name.rpartition("/")[0])):
            raise errors.RemoteDenied(remote=self.where, reason=f"{name} must not be overwritten")
        self.inner.put(name, source)

    def read(self, name: str, limit: int) -> bytes:
        return self.inner.read(name, limit)

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        return self.inner.read_range(name, offset, size)

    def get(self, name: str, sink: Callable[[Buffer], None], limit: int) -> None:
        self.inner.get(name, sink, limit)

    def list(self, folder: str) -> Iterator[Listed]:
        return self.inner.list(folder)

    def delete(self, names: Sequence[str]) -> None:
        raise errors.RemoteDenied(remote=self.where, reason=f"{', '.join(names)} must not be deleted")

    def close(self) -> None:
        self.inner.close()
