"""What gc reads of a repository whose loose files were packed, counted instead of timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import PackId
from mvc.model.version import Person, Timestamp
from mvc.porcelain.gc import gc
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import loose, metapacks
from tests.cli.shell import Shell, begin

ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(1_770_112_800))
VERSIONS = 12


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A repository of 12 versions, which gc packed, and which counts as large."""
    for module, name, value in ((loose, "LEAST", 8), (loose, "RECOGNIZED", 4), (metapacks, "FEW", 2)):
        monkeypatch.setattr(module, name, value)
    shell = begin(tmp_path, monkeypatch)
    for number in range(VERSIONS):
        shell.set(parameters__step=number)
        shell.commit(f"step {number}")
    assert shell.ok("gc", "--json").json["packed"] > 2 * VERSIONS
    return shell


def test_what_is_packed_is_not_sought_among_the_loose_files(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    sought: list[str] = []
    read, names = StoreDoor.read, StoreDoor.names

    def counted_read(door: StoreDoor, name: str, *limit: int) -> bytes:
        sought.append(name)
        return read(door, name, *limit)

    def counted_names(door: StoreDoor, folder: str) -> list[str]:
        sought.append(folder)
        return names(door, folder)

    monkeypatch.setattr(StoreDoor, "read", counted_read)
    monkeypatch.setattr(StoreDoor, "names", counted_names)
    assert gc(Repository(shell.folder), ACTOR).kept == VERSIONS
    top = shell.folder / ".mvc"
    absent = [name for name in sought if name.startswith(("objects/", "recipes/")) and not (top / name).exists()]
    assert len(absent) <= metapacks.FEW + 1, "those before it counts as large"


def _damage_packed(shell: Shell) -> None:
    """Change a byte of each entry of the pack."""
    [path] = (shell.folder / ".mvc" / "meta").iterdir()
    data = bytearray(path.read_bytes())
    for entry in Repository(shell.folder).metapacks.entries(PackId(path.name.removesuffix(".pack"))):
        data[entry.end - 1] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)


@pytest.mark.parametrize("few", [2, 10_000])
def test_of_damaged_entries_nothing_is_collected(shell: Shell, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    _damage_packed(shell)
    monkeypatch.setattr(metapacks, "FEW", few)
    with pytest.raises(errors.Damaged):
        gc(Repository(shell.folder), ACTOR)


@pytest.mark.parametrize("few", [0, 10_000])
def test_of_two_copies_the_intact_one_is_read(shell: Shell, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    objects = Repository(shell.folder).objects
    loose_ids = set(objects.loose())
    packed = next(id_ for id_ in Repository(shell.folder).metapacks.object_ids() if id_ not in loose_ids)
    data = objects.read(packed)
    path = shell.folder / ".mvc" / "objects" / packed[:2] / packed
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    _damage_packed(shell)
    monkeypatch.setattr(metapacks, "FEW", few)
    fresh = Repository(shell.folder)
    assert packed in fresh.metapacks.object_ids()
    assert fresh.metapacks.object_at_hand(packed) is None
    assert fresh.objects.read(packed) == data
