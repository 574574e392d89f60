"""Archives are valid, have the size that was stated, and depend on nothing but their members."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from mvc.formats.source import Source
from mvc.formats.syntax import zip_directory, zip_writer
from mvc.formats.syntax.zip_writer import Member
from mvc.model.ids import digest

FILES = {
    "saved_model.pb": b"graph" * 90,
    "variables/variables.index": b"",
    "variables/variables.data-00000-of-00001": bytes(range(256)) * 40,
    "assets/wörter.txt": b"a\nb\n",
}
_PIECE = 100


def archive(files: Mapping[str, bytes]) -> bytes:
    members = [Member(name, len(data), name.endswith(".sh")) for name, data in files.items()]
    pieces = zip_writer.stream(members, lambda member: _pieces(files[member.name]))
    data = b"".join(map(bytes, pieces))
    assert len(data) == zip_writer.size(members)
    return data


def _pieces(data: bytes) -> list[bytes]:
    return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]


def check(files: Mapping[str, bytes]) -> None:
    """Read an archive with Python's own reader and with that of mvc."""
    data = archive(files)
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == dict(files)
        assert opened.namelist() == sorted(files, key=str.encode)
    source = Source(lambda offset, size: data[offset : offset + size], len(data))
    members = zip_directory.members(source)
    starts = {name: zip_directory.data_offset(source, member) for name, member in members.items()}
    assert {name: data[start : start + members[name].size] for name, start in starts.items()} == dict(files)


def test_archives_are_valid() -> None:
    check(FILES)
    check({})


def test_the_bytes_are_those_of_earlier_releases() -> None:
    """Published archives are identified by this hash; another one would be another file."""
    assert digest(archive(FILES)) == "49bf3c6f8eec9172e0564b848d384af6c118ddf5346bc436cd6f12f510cfb02a"


def test_the_order_and_the_pieces_make_no_difference(rng: random.Random) -> None:
    shuffled = dict(rng.sample(sorted(FILES.items()), len(FILES)))
    assert archive(shuffled) == archive(FILES)
    whole = zip_writer.stream([Member(name, len(data)) for name, data in FILES.items()], lambda m: [FILES[m.name]])
    assert b"".join(map(bytes, whole)) == archive(FILES)


def test_an_executable_file_stays_one() -> None:
    with zipfile.ZipFile(io.BytesIO(archive({"run.sh": b"x", "a.txt": b"y"}))) as opened:
        assert {info.filename: info.external_attr >> 16 for info in opened.infolist()} == {
            "run.sh": 0o100755,
            "a.txt": 0o100644,
        }


def test_numbers_above_4_gib_are_in_zip64_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member of 5 GiB, and one that begins after it; in a file with a hole."""
    big, small = Member("big", 5 << 30), Member("small", 3)
    checksum = zip_writer._checksum
    monkeypatch.setattr(zip_writer, "_checksum", lambda member, read: checksum(member, read) if member is small else 0)
    with open(tmp_path / "sparse.zip", "w+b") as file:
        for piece in zip_writer.stream([big, small], lambda member: [b"abc" if member is small else b""]):
            file.write(piece)
            file.seek(0 if piece else big.size, os.SEEK_CUR)
        assert file.tell() == zip_writer.size([big, small])
        source = Source.of(file.fileno())
        members = zip_directory.members(source)
        assert [member.size for member in members.values()] == [big.size, 3]
        assert source.read(zip_directory.data_offset(source, members["small"]), 3) == b"abc"
        with zipfile.ZipFile(file) as opened:
            assert [info.file_size for info in opened.infolist()] == [big.size, 3]
            assert opened.read("small") == b"abc"


def test_more_than_65535_members_are_in_the_zip64_end_record() -> None:
    """An end record of 7 members that says 70,000, as a reader finds it."""
    data = archive({str(number): b"" for number in range(7)})
    offset, length = 7 * (30 + 1), 7 * (46 + 1)
    short, long = zip_writer._end(7, length, offset), zip_writer._end(70_000, length, offset)
    assert data.endswith(short)
    whole = data.removesuffix(short) + long
    end = zip_directory._find_end(Source(lambda start, size: whole[start : start + size], len(whole)))
    assert (end.members, end.size, end.offset) == (70_000, length, offset)


def test_a_member_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a has 2 bytes instead of 3"):
        list(zip_writer.stream([Member("a", 3)], lambda _: [b"xy"]))
