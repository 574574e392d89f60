"""Zip directories: members are located, nothing is unpacked, and a malformed directory is refused."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from mvc.formats.source import HeaderError
from mvc.formats.syntax import zip_directory
from tests.formats.archives import END, ENTRY, LOCAL, archive, patched, widened
from tests.formats.headers import source

MEMBERS = {"a.txt": b"first", "folder/b.bin": b"second member", "empty": b""}
PLAIN = archive(MEMBERS)


def contents(data: bytes) -> dict[str, bytes]:
    """Return the content at the offsets found, of members that are not compressed."""
    file = source(data)
    found = {}
    for name, member in zip_directory.members(file).items():
        if member.stored:
            offset = zip_directory.data_offset(file, member)
            found[name] = data[offset : offset + member.size]
    return found


@pytest.mark.parametrize("data", [PLAIN, widened(PLAIN), widened(archive({})), archive({})])
def test_finds_members_where_they_lie(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert contents(data) == {name: file.read(name) for name in file.namelist()}


def test_a_comment_may_follow_and_may_hold_the_end_of_another() -> None:
    out = io.BytesIO(PLAIN)
    with zipfile.ZipFile(out, "a") as file:
        file.comment = END + b"x" * 100
    assert contents(out.getvalue()) == MEMBERS


def test_sizes_in_a_zip64_field_are_found() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file, file.open("a.txt", "w", force_zip64=True) as member:
        member.write(b"first")
    assert contents(out.getvalue()) == {"a.txt": b"first"}
    wide = struct.pack("<HHQQ", 1, 16, 5, 5)
    place = PLAIN.index(ENTRY)
    entry = bytearray(PLAIN[place : place + 51])
    entry[20:28], entry[30:32] = b"\xff" * 8, struct.pack("<H", len(wide))
    data = PLAIN[:place] + entry + wide + PLAIN[place + 51 :]
    size = int.from_bytes(data[data.rindex(END) + 12 :][:4], "little")
    assert contents(patched(data, END, 12, size + len(wide), 4)) == MEMBERS


def test_compressed_and_encrypted_members_are_not_stored() -> None:
    deflated = archive({"a": b"a" * 100}, zipfile.ZIP_DEFLATED)
    assert contents(deflated) == {}
    assert contents(patched(PLAIN, ENTRY, 8, 1, 2)).keys() == {"folder/b.bin", "empty"}


def test_names_without_utf8_are_read() -> None:
    assert contents(PLAIN.replace(b"a.txt", b"\xff.txt")).keys() == {"\xa0.txt", "folder/b.bin", "empty"}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\3\4" + bytes(100), "does not end"),
        (PLAIN[:-1], "does not end"),
        (PLAIN + b"x" * 70_000, "does not end"),
        (patched(PLAIN, END, 4, 1, 2), "multi-file"),
        (patched(PLAIN, END, 8, 2, 2), "multi-file"),
        (patched(patched(PLAIN, END, 8, 9, 2), END, 10, 9, 2), "fewer than 9"),
        (patched(PLAIN, END, 12, 1 << 31, 4), "more than"),
        (patched(PLAIN, END, 12, 10_000, 4), "overlaps its end record"),
        (patched(PLAIN, END, 16, (1 << 32) - 1, 4), "overlaps its end record"),
        (patched(PLAIN, END, 16, 0, 4), "damaged"),
        (patched(PLAIN, ENTRY, 0, 0, 4), "damaged"),
        (patched(PLAIN, ENTRY, 28, 60_000, 2), "damaged"),
        (patched(PLAIN, ENTRY, 34, 1, 2), "damaged"),
        (patched(PLAIN, ENTRY, 20, 4, 4), "two sizes"),
        (patched(PLAIN, ENTRY, 20, (1 << 32) - 1, 4), "above 4 GiB"),
        (patched(PLAIN, ENTRY, 42, 1 << 30, 4), "overlaps the directory"),
        (patched(PLAIN, ENTRY, 42, 1, 4), "local header does not match the directory"),
        (patched(PLAIN, LOCAL, 26, 4, 2), "local header does not match the directory"),
        (patched(PLAIN, LOCAL, 8, 8, 2), "compression of a member"),
        (patched(PLAIN, LOCAL, 28, 65_535, 2), "beyond the end of the file"),
        (PLAIN.replace(b"empty", b"a.txt"), "duplicate name"),
        (PLAIN.replace(b"a.txt", b"b.txt", 1), "local header does not match the directory"),
    ],
)  # fmt: skip
def test_refuses(data: bytes, reason: str) -> None:
    with pytest.raises(HeaderError, match=reason):
        contents(data)


@pytest.mark.parametrize("value", [(1 << 63) - 1, (1 << 64) - 1, 1 << 40])
@pytest.mark.parametrize("at", [32, 40, 48])
def test_sizes_near_the_end_of_64_bits_are_refused(at: int, value: int) -> None:
    data = widened(PLAIN)
    if at == 32:
        data = patched(data, b"PK\6\6", 24, value, 8)
    with pytest.raises(HeaderError):
        contents(patched(data, b"PK\6\6", at, value, 8))


def test_a_locator_that_leads_outside_is_refused() -> None:
    with pytest.raises(HeaderError):
        contents(patched(widened(PLAIN), b"PK\6\7", 8, (1 << 64) - 1, 8))


def test_cut_off_anywhere() -> None:
    for data in (PLAIN, widened(PLAIN)):
        for length in range(len(data)):
            with pytest.raises(HeaderError):
                contents(data[:length])


def test_an_end_that_is_hidden_many_times_costs_little() -> None:
    with pytest.raises(HeaderError):
        contents(LOCAL + END * 200_000)


def test_bytes_behind_the_end_belong_to_no_member() -> None:
    for data in (PLAIN, widened(PLAIN)):
        assert contents(data + b"x") == contents(data + bytes(60_000)) == MEMBERS


def test_the_name_of_the_first_member_tells_the_format() -> None:
    assert zip_directory.first_name(PLAIN[:16], source(PLAIN)) == "a.txt"
    assert zip_directory.first_name(b"GGUF", source(PLAIN)) == ""
    assert zip_directory.first_name(LOCAL, source(patched(PLAIN, LOCAL, 26, 60_000, 2))).startswith("a.txt")
    assert zip_directory.first_name(LOCAL, source(LOCAL + bytes(12))) == ""
