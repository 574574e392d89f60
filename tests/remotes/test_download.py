"""Fetching: a chunk is kept with what it rests on, however batches and ranges are cut."""

from __future__ import annotations

import contextlib
import random
import threading
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import PackId
from mvc.porcelain import clone
from mvc.porcelain.fsck import fsck
from mvc.porcelain.init import make_repository
from mvc.remotes import download_plan
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.download import Downloader
from mvc.remotes.inventory import RemotePlace
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage.chunks import encodings
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import Entry
from tests.cli.shell import Shell, begin
from tests.remotes.clones import WEIGHTS, ana, folder, push_main

WHOLE = download_plan.BATCH


def _pushed(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> Shell:
    """Three versions, pushed one by one: the newest rests on chunks in the packs of the others."""
    shell, weights = ana(tmp_path, monkeypatch, rng, versions=1)
    push_main(shell, folder(tmp_path / "origin"))
    for _ in range(2):
        weights.train()
        shell.commit("trained")
        push_main(shell, folder(tmp_path / "origin"))
    return shell


def _fill(target: Path, backend: Backend, shell: Shell, monkeypatch: Any, jobs: int = 1) -> None:
    target.mkdir()
    make_repository(target)
    remote = Remote("origin", backend, lambda _: None, jobs=jobs)
    monkeypatch.setattr("mvc.transport.connection.open_remote", lambda *_, **__: contextlib.nullcontext(remote))
    clone.fill(Repository(target), remote, shell.actor)


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize(("batch", "read"), [(1, 1), (1, WHOLE), (WHOLE, 1), (WHOLE, WHOLE), (150_000, 100_000)])
def test_what_rests_on_others_comes_whole_however_it_is_cut(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, jobs: int, batch: int, read: int
) -> None:
    shell = _pushed(tmp_path, monkeypatch, rng)
    monkeypatch.setattr(download_plan, "BATCH", batch)
    backend = LocalBackend(tmp_path / "origin")
    backend.read_size = read
    _fill(tmp_path / "clone", backend, shell, monkeypatch, jobs)
    assert (tmp_path / "clone" / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
    assert not fsck(Repository(tmp_path / "clone")).findings


class _Failing(LocalBackend):
    """The read of the first entry of a pack fails, which the first batch waits for; those after it wait until fetching is over."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_size = 1
        self.later: list[bool] = []
        self.failed = False
        self.over = threading.Event()

    def read_range(self, name: str, offset: int, size: int) -> bytes:
        if name.startswith("packs/"):
            if offset == len(packformat.MAGIC):
                self.failed = True
                raise errors.RemoteUnreachable(remote=self.where, reason="out of reach")
            if self.failed:
                self.later.append(self.over.wait(60))
        return super().read_range(name, offset, size)


def test_after_a_read_that_failed_no_others_are_begun(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    shell, _ = ana(tmp_path, monkeypatch, rng, versions=1)
    push_main(shell, folder(tmp_path / "origin"))
    monkeypatch.setattr(download_plan, "BATCH", 300_000)
    backend = _Failing(tmp_path / "origin")

    class Watched(Downloader):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._over = backend.over

    monkeypatch.setattr("mvc.transport.promisor.Downloader", Watched)
    with pytest.raises(errors.FetchFailed):
        _fill(tmp_path / "clone", backend, shell, monkeypatch)
    assert backend.failed
    assert backend.later in ([], [True]), "one may begin before anybody knows"


def test_a_base_is_taken_from_a_pack_that_has_it_less_deep(tmp_path: Path, monkeypatch: Any) -> None:
    """Of a base's places the first may be too deep for one entry: that in a pack that a hint names is next."""
    shell = begin(tmp_path, monkeypatch)
    sound, suspect = PackId("1" * 64), PackId("2" * 64)

    def place(pack: PackId, id_: str, depth: int, base: str | None) -> RemotePlace:
        encoding = encodings.DELTA if base else encodings.RAW
        return RemotePlace(
            pack, Entry(id_ * 64, packformat.CHUNK, encoding, 4, 4, depth, 4 if base else 0, base and base * 64)
        )

    deep, shallow = place(sound, "b", 1, "a"), place(suspect, "b", 0, None)
    places = {
        "a" * 64: [place(sound, "a", 0, None)],
        "b" * 64: [deep, shallow],
        "c" * 64: [place(suspect, "c", 1, "b")],
    }
    wanted = download_plan._Selection(shell.repository, "origin", places)
    wanted.add("c" * 64, packformat.MAX_DEPTH + 1)
    assert [each for each in wanted.entries if each.entry.id == "b" * 64] == [shallow]


@pytest.mark.parametrize(("gap", "longest", "ranges"), [(0, WHOLE, 1), (40, WHOLE, 1), (41, WHOLE, 2), (40, 1319, 2)])
def test_neighbours_are_read_together_unless_they_are_far_apart(gap: int, longest: int, ranges: int) -> None:
    """A gap of more than a share of the entries before it is not read, nor is a range that is too long."""
    size = 32 * 40
    raw = size - packformat.HEADER.size
    first = Entry("a" * 64, packformat.CHUNK, encodings.RAW, raw, raw, offset=len(packformat.MAGIC))
    second = Entry("b" * 64, packformat.CHUNK, encodings.RAW, 0, 0, offset=first.end + gap)
    places = [RemotePlace(PackId("1" * 64), entry) for entry in (first, second)]
    found = download_plan._ranges(places, longest)
    assert [len(each.entries) for each in found] == [2 // ranges] * ranges
    assert sum(each.size for each in found) == size + packformat.HEADER.size + (gap if ranges == 1 else 0)
