"""A pack that is not whole at its edges is damaged, and the error names the place."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest

from mvc import errors
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile, PackFiles
from tests.storage.parts import Parts


@pytest.fixture
def pack(tmp_path: Path, rng: random.Random) -> PackFile:
    """A pack of one chunk, which can be written."""
    parts = Parts(tmp_path)
    parts.store(rng.randbytes(100_000))
    (path,) = tmp_path.glob("packs/*/*.pack")
    path.chmod(0o600)
    return PackFile(parts.door, path.relative_to(tmp_path).as_posix())


def _again(pack: PackFile, path: Path, data: bytes) -> PackFile:
    (path / pack.name).write_bytes(data)
    return PackFile(Parts(path).door, pack.name)


@pytest.mark.parametrize("step", [-1, 1])
def test_it_begins_like_a_pack(pack: PackFile, tmp_path: Path, step: int) -> None:
    whole = (tmp_path / pack.name).read_bytes()
    assert len(packformat.read_index(pack)) == 1
    for place in range(len(packformat.MAGIC)):
        data = whole[:place] + bytes([whole[place] + step]) + whole[place + 1 :]
        with pytest.raises(errors.Damaged, match="does not begin like a pack"):
            packformat.read_index(_again(pack, tmp_path, data))


def test_a_read_beyond_its_end_names_the_byte(pack: PackFile) -> None:
    with pytest.raises(errors.Damaged, match=f"it ends before byte {pack.size + 3}[.]"):
        pack.read(pack.size - 4, 7)


class _Failing(StoreDoor):
    """The disk fails when a file is opened."""

    def open(self, name: str) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO), name)


def test_a_pack_that_cannot_be_opened_is_damaged_for_the_reason_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(errors.Damaged) as raised:
        PackFile(_Failing(tmp_path), "packs/aa/aa.pack")
    assert raised.value.fields["reason"] == os.strerror(errno.EIO)


def test_the_packs_that_are_open_are_those_used_last(tmp_path: Path, rng: random.Random) -> None:
    parts = Parts(tmp_path)
    for _ in range(3):
        parts.store(rng.randbytes(100_000))
    first, second, third = (parts.name(path) for path in parts.packs())
    files = PackFiles(parts.door, limit=2)
    opened = {name: files.get(name) for name in (first, second)}
    assert files.get(first) is opened[first]
    opened[third] = files.get(third)
    assert [files.get(name) is opened[name] for name in (third, first, second)] == [True, True, False]
