"""The probe tells stores that keep what they promise from those that do not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.remotes.backends import address, connect
from mvc.remotes.backends.backend import Backend, Outcome
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.backends.probe import OK, ensure, probe
from mvc.remotes.backends.retry import RetryingBackend
from tests.remotes.clones import ana, push_main, remote_on
from tests.servers.cloud import BAD, Cloud

pytestmark = pytest.mark.usefixtures("real_probe")


def test_a_store_that_keeps_its_promises_passes_once_and_is_remembered(backend: Backend) -> None:
    backend = RetryingBackend(backend)  # as it is in use
    verdict = probe(backend, "n1", now=time.time())
    assert verdict.failures == ()
    assert verdict.warnings == ()
    assert list(backend.list("")) == []
    ensure(backend, "n2")
    assert [each.name for each in backend.list("")] == [f"{OK}n2"]
    ensure(backend, "n3")
    assert [each.name for each in backend.list("")] == [f"{OK}n2"]


@pytest.fixture(params=sorted(BAD))
def bad(request: pytest.FixtureRequest, clouds: Callable[[str], Cloud], monkeypatch: Any, tmp_path: Path) -> Backend:
    server = clouds(request.param)
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    return connect.connect(address.parse(server.place(), tmp_path), server.options)


def test_a_store_where_names_are_created_twice_is_refused(bad: Backend) -> None:
    with pytest.raises(errors.NotExclusive, match="exists"):
        ensure(bad, "n1")


def test_a_push_to_it_is_refused_and_leaves_no_version(
    bad: Backend, tmp_path: Path, monkeypatch: Any, rng: random.Random
) -> None:
    shell, _ = ana(tmp_path, monkeypatch, rng, versions=1)
    with pytest.raises(errors.NotExclusive):
        push_main(shell, remote_on(bad))
    assert not [each for each in bad.list("") if not each.name.startswith("probe/")]


def test_a_clock_that_is_off_is_said(tmp_path: Path) -> None:
    backend = connect.connect(address.parse(str(tmp_path / "there"), tmp_path), {})
    verdict = probe(backend, "n1", now=time.time() - 3600)
    assert any("clock" in warning for warning in verdict.warnings)


class _Faulty(LocalBackend):
    """A store that has some content for some names, whatever was written there."""

    def __init__(self, root: Path, contents: dict[str, bytes | None]) -> None:
        super().__init__(root)
        self._contents = contents

    def read(self, name: str, limit: int) -> bytes:
        last = name.rpartition("/")[2]
        if last not in self._contents:
            return super().read(name, limit)
        content = self._contents[last]
        if content is None:
            raise FileNotFoundError(name)
        return content


@pytest.mark.parametrize(
    ("name", "content", "failure"),
    [
        ("once", b"second", "a name that was created once has something else"),
        ("once", b"", "a name that was created once has something else"),
        ("once", None, "a name that was created once has nothing"),
        ("absent", b"", "it has a file that nobody wrote"),
        ("fresh", b"stale", "it does not return what was just written"),
        ("fresh", b"", "it does not return what was just written"),
        ("fresh", None, "it does not return what was just written"),
        ("race-0", None, "a name that several clients create at once does not have what the first wrote"),
        ("race-1", b"none", "a name that several clients create at once does not have what the first wrote"),
    ],
)
def test_a_store_that_returns_something_else_is_refused(
    tmp_path: Path, name: str, content: bytes | None, failure: str
) -> None:
    backend = _Faulty(tmp_path, {name: content})
    assert probe(backend, "n1").failures == (failure,)
    with pytest.raises(errors.NotExclusive, match=failure):
        ensure(backend, "n2")
    assert [*backend.list("")] == []


class _Failing(LocalBackend):
    """A store on which one write of a race fails."""

    def create(self, name: str, body: bytes) -> Outcome:
        if name.endswith("/race-1") and body == b"3":
            raise errors.RemoteDenied(remote=self.where, reason="permission denied")
        return super().create(name, body)


def test_a_write_that_fails_ends_the_probe_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises((errors.RemoteDenied, errors.RemoteUnreachable)):
        probe(_Failing(tmp_path), "n1")
