from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import ManifestId, TreeId
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import Options, commit
from mvc.porcelain.init import init
from mvc.porcelain.log import log
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository

ANA = Person("Ana", "ana@example.org")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    init(tmp_path, model="m")
    made = Repository(tmp_path)
    for number in range(30):
        commit(Model(made, "m"), f"Version {number}", Actor(ANA, Timestamp(number)), options=Options(allow_empty=True))
    return Repository(tmp_path)


def test_reads_the_versions_it_gives_and_nothing_else(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = repository.objects.read

    def counted(id_: str, what: str = "object") -> bytes:
        read.append(what)
        return whole(id_, what)

    monkeypatch.setattr(repository.objects, "read", counted)
    assert len(list(log(Model(repository, "m"), count=5))) == 5
    assert read.count("version") <= 7
    assert set(read) == {"version"}


def test_what_each_changed_is_read_only_when_asked(repository: Repository) -> None:
    entries = list(log(Model(repository, "m"), count=2, changes=True))
    assert all(entry.changes is not None and entry.changes.difference.is_empty for entry in entries)
    assert all(entry.changes is None for entry in log(Model(repository, "m"), count=2))


def test_versions_come_as_they_are_found(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: ManifestId | TreeId) -> Any:
        raise AssertionError

    monkeypatch.setattr(repository.objects, "manifest", never)
    monkeypatch.setattr(repository.objects, "tree", never)
    assert next(log(Model(repository, "m"))).version.number == 30
